"""Tables of embeddings on disk: an artefact of their own, and two files of a FAQ model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from scoring_server.artefact import (
    Artefact,
    Manifest,
    ModelLoadError,
    open_artefact,
    write_artefact,
)
from scoring_server.faq.arrays import pack_arrays, unpack_arrays
from scoring_server.faq.embeddings import EmbeddingTable

KIND: Final = "word-embeddings"
_VECTORS, _PIECES = "embeddings.npz", "pieces.json"


def table_files(table: EmbeddingTable) -> dict[str, bytes]:
    """The files of a table, for an artefact that holds it."""
    return {
        _VECTORS: pack_arrays({"vectors": table.vectors}),
        _PIECES: orjson.dumps(table.pieces),
    }


def holds_table(artefact: Artefact) -> bool:
    """Whether an artefact holds a table of embeddings."""
    return _VECTORS in artefact.manifest.files


def read_table(artefact: Artefact) -> EmbeddingTable:
    """Read what `table_files` gave.

    Raises:
        ModelLoadError: something is missing, of the wrong type or shape, or comes twice.
    """
    vectors = unpack_arrays(artefact.read_bytes(_VECTORS), _VECTORS).get("vectors")
    try:
        pieces = orjson.loads(artefact.read_bytes(_PIECES))
    except orjson.JSONDecodeError:
        raise _invalid(_PIECES) from None
    if not isinstance(pieces, list) or set(map(type, pieces)) != {str} or "" in pieces:
        raise _invalid(_PIECES)
    is_table = vectors is not None and vectors.dtype == np.int8 and vectors.ndim == 2
    if vectors is None or not is_table or len(vectors) != len(pieces) or not vectors.shape[1]:
        raise _invalid(_VECTORS)
    table = EmbeddingTable(pieces, vectors)
    if len(table.places) != len(pieces):
        raise _invalid(_PIECES)
    return table


def write_embeddings(
    directory: Path, table: EmbeddingTable, *, name: str, created_by: Mapping[str, Any]
) -> Manifest:
    """Write a table as an artefact of its own; the same arguments always give the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    return write_artefact(
        directory,
        kind=KIND,
        name=name,
        weights="distilled",
        created_by=created_by,
        files=table_files(table),
        details={"pieces": len(table.pieces), "dimensions": table.dimensions},
    )


def read_embeddings(directory: Path) -> tuple[EmbeddingTable, Artefact]:
    """Read a table with the artefact that holds it.

    Raises:
        ModelLoadError: there is no valid artefact of embeddings.
    """
    artefact = open_artefact(directory, KIND, keep=True)
    if not holds_table(artefact):
        raise _invalid(_VECTORS)
    return read_table(artefact), artefact


def _invalid(where: str) -> ModelLoadError:
    return ModelLoadError(f"{where} is not what this version expects; distil the embeddings again")
