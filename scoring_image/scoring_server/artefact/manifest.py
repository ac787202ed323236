"""model.json: what an artefact is, who made it, and the size and sha256 of each of its files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scoring_server.artefact.errors import ModelLoadError

MANIFEST_NAME: Final = "model.json"
SCHEMA_VERSION: Final = 1
KINDS: Final = ("faq-matching", "image-classification", "word-embeddings")

# A pickle runs the code that its author chose: refused by name, before anything opens the file.
PICKLE_SUFFIXES: Final = (
    ".ckpt", ".dill", ".joblib", ".mar", ".p", ".pickle", ".pkl", ".pt", ".pth", ".sav",
)  # fmt: skip

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_FILES = 64
_MAX_TEXT = 128
_COMMON_KEYS = ("schemaVersion", "kind", "name", "weights", "createdBy", "files")


@dataclass(frozen=True)
class FileEntry:
    """What the manifest says of one file: its sha256 in lower-case hex, its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The content of model.json.

    Attributes:
        kind: "faq-matching" or "image-classification".
        name: the model's name, as people see it.
        weights: where the numbers come from: "trained", "imagenet1k", "random", …
        created_by: provenance: tool, versions, parameters, data.
        files: the payload, by plain file name.
        details: the keys that only this kind of model has.
    """

    kind: str
    name: str
    weights: str
    created_by: Mapping[str, Any]
    files: Mapping[str, FileEntry]
    details: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """The bytes of model.json; the same manifest always gives the same bytes."""
        document = {
            **self.details,
            "schemaVersion": SCHEMA_VERSION,
            "kind": self.kind,
            "name": self.name,
            "weights": self.weights,
            "createdBy": dict(self.created_by),
            "files": {
                name: {"sha256": entry.sha256, "size": entry.size}
                for name, entry in sorted(self.files.items())
            },
        }
        return orjson.dumps(
            document,
            option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Parse model.json.

        Raises:
            ModelLoadError: not JSON, a field missing or of the wrong type, an unknown version or
                kind, or a file name that is not a plain one.
        """
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ModelLoadError(f"{MANIFEST_NAME} is not valid JSON: {error}") from None
        if not isinstance(document, dict):
            raise ModelLoadError(f"{MANIFEST_NAME} must hold a JSON object")
        _check_version(document.get("schemaVersion"))
        kind = _text(document, "kind")
        if kind not in KINDS:
            raise ModelLoadError(
                f"{MANIFEST_NAME}: kind is {kind!r}, which this server does not know; "
                f"it knows {', '.join(KINDS)}"
            )
        created_by = document.get("createdBy", {})
        if not isinstance(created_by, dict):
            raise ModelLoadError(f"{MANIFEST_NAME}: createdBy must be an object")
        return cls(
            kind=kind,
            name=_text(document, "name"),
            weights=_text(document, "weights"),
            created_by=created_by,
            files=_files(document.get("files")),
            details={key: value for key, value in document.items() if key not in _COMMON_KEYS},
        )


def check_file_name(name: str) -> None:
    """Refuse what is not the plain name of a payload file.

    Raises:
        ModelLoadError: a path, a hidden name, the manifest itself, a format that can hold a pickle.
    """
    if not _FILE_NAME.fullmatch(name):
        raise ModelLoadError(
            f"{MANIFEST_NAME} lists the file {name[:_MAX_TEXT]!r}: only plain names of letters, "
            "digits, '.', '_' and '-' are allowed, no folders"
        )
    if name == MANIFEST_NAME:
        raise ModelLoadError(f"{MANIFEST_NAME} must not list itself")
    if name.lower().endswith(PICKLE_SUFFIXES):
        raise ModelLoadError(
            f"{name} is a pickle format, which can run any code when it is loaded; "
            "convert the model (scoring-faq train or scoring-image export) and serve the result"
        )


def _check_version(version: object) -> None:
    if isinstance(version, bool) or not isinstance(version, int):
        raise ModelLoadError(f"{MANIFEST_NAME}: schemaVersion must be the number {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise ModelLoadError(
            f"{MANIFEST_NAME}: schemaVersion is {version}, this server reads {SCHEMA_VERSION}: "
            "the artefact was made by a newer version; use a newer scoring image"
        )
    if version != SCHEMA_VERSION:
        raise ModelLoadError(
            f"{MANIFEST_NAME}: schemaVersion is {version}, this server reads {SCHEMA_VERSION}: "
            "make the artefact again with this version's tools"
        )


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise ModelLoadError(
            f"{MANIFEST_NAME}: {key} must be a text of 1 to {_MAX_TEXT} printable characters"
        )
    return value


def _files(value: object) -> dict[str, FileEntry]:
    if not isinstance(value, dict) or not 0 < len(value) <= _MAX_FILES:
        raise ModelLoadError(f"{MANIFEST_NAME}: files must list 1 to {_MAX_FILES} files")
    return {name: _entry(name, entry) for name, entry in value.items()}


def _entry(name: str, value: object) -> FileEntry:
    check_file_name(name)
    if not isinstance(value, dict):
        raise ModelLoadError(f"{MANIFEST_NAME}: files.{name} must be an object")
    sha256, size = value.get("sha256"), value.get("size")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ModelLoadError(f"{MANIFEST_NAME}: files.{name}.sha256 must be 64 small hex digits")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ModelLoadError(f"{MANIFEST_NAME}: files.{name}.size must be a number of bytes")
    return FileEntry(sha256=sha256, size=size)
