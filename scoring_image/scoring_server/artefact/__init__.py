"""The model artefact: a directory of checksummed plain files behind a manifest."""

from scoring_server.artefact.errors import ModelLoadError
from scoring_server.artefact.manifest import MANIFEST_NAME, SCHEMA_VERSION, FileEntry, Manifest
from scoring_server.artefact.reading import Artefact, open_artefact
from scoring_server.artefact.writing import write_artefact

__all__ = [
    "MANIFEST_NAME",
    "SCHEMA_VERSION",
    "Artefact",
    "FileEntry",
    "Manifest",
    "ModelLoadError",
    "open_artefact",
    "write_artefact",
]
