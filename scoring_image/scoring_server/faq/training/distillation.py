"""A table of embeddings out of a sentence encoder, by the method of Model2Vec (Tulkens & van
Dongen 2024).

Each piece of the vocabulary goes through the encoder alone; the principal components of what
comes out are kept; and the commoner a piece, the shorter its vector (Arora et al. 2017), by Zipf's
law of its rank. The mean over the three places of the sequence, whose marks at begin and end are
exchanged, was best on BANKING77 and COVID-Q.
"""

import hashlib
import importlib.util
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from scoring_server.artefact import Manifest
from scoring_server.faq.embedding_files import write_embeddings
from scoring_server.faq.embeddings import EmbeddingTable
from scoring_server.faq.training.encoder import FILES, WEIGHTS, Encoder, EncoderError, read_encoder

_BATCH = 512
# Pieces that make up more than this share of all text get short vectors.
_COMMON = 1e-4
_LARGEST = 127


def find_encoder(named: str) -> Path:
    """The folder of an encoder: the given one, or the one that an installed package holds.

    A package is looked through, not imported.

    Raises:
        EncoderError: there is neither, or the package holds none or several.
    """
    if Path(named).is_dir():
        return Path(named)
    spec = importlib.util.find_spec(named) if named.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"{named} is neither a folder nor an installed package")
    roots = map(Path, spec.submodule_search_locations)
    found = sorted(path.parent for root in roots for path in root.rglob(WEIGHTS))
    if len(found) != 1:
        raise EncoderError(f"the package {named} holds {len(found)} encoders, must hold one")
    return found[0]


def distil(
    directory: Path,
    output: Path,
    *,
    dimensions: int,
    name: str,
    advance: Callable[[int], None] | None = None,
) -> Manifest:
    """Distil a table and write its artefact; the same files give the same bytes.

    Args:
        directory: of the encoder.
        output: where the artefact goes.
        dimensions: of the vectors.
        name: of the artefact.
        advance: called with the pieces that were done since the last call.

    Raises:
        EncoderError: the encoder is of another kind, or has fewer dimensions.
        OSError: a file cannot be read or the artefact not be written.
    """
    encoder = read_encoder(directory)
    # One thread: the result must not depend on how many cores there are.
    with threadpool_limits(limits=1):
        vectors = encoded_pieces(encoder, advance)
        table = make_table(encoder, vectors, dimensions)
    created_by: dict[str, Any] = {
        "tool": "scoring-faq",
        "version": version("scoring-server"),
        "libraries": {package: version(package) for package in ("numpy", "scipy")},
        "encoder": {
            "name": encoder.name,
            "files": {
                file: hashlib.sha256((directory / file).read_bytes()).hexdigest() for file in FILES
            },
        },
    }
    return write_embeddings(output, table, name=name, created_by=created_by)


def encoded_pieces(
    encoder: Encoder, advance: Callable[[int], None] | None = None
) -> NDArray[np.float32]:
    """What the encoder makes of each ordinary piece alone, shape (pieces, width)."""
    begin, end = encoder.place("[CLS]"), encoder.place("[SEP]")
    parts = []
    for start in range(0, len(encoder.ordinary), _BATCH):
        pieces = encoder.ordinary[start : start + _BATCH]
        marked = [np.full_like(pieces, end), pieces, np.full_like(pieces, begin)]
        parts.append(encoder.encode(np.stack(marked, axis=1)).mean(axis=1))
        if advance is not None:
            advance(len(pieces))
    return np.concatenate(parts)


def make_table(encoder: Encoder, vectors: NDArray[np.float32], dimensions: int) -> EmbeddingTable:
    """Principal components, weighted by rank, as whole numbers.

    Args:
        encoder: whose ordinary pieces, the commonest first, the vectors belong to.
        vectors: shape (pieces, width).
        dimensions: how many to keep.

    Raises:
        EncoderError: there are not as many.
    """
    if dimensions > min(vectors.shape):
        raise EncoderError(f"the encoder has {min(vectors.shape)} dimensions, not {dimensions}")
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    projected = centred @ directions[:, ::-1][:, :dimensions]
    share = 1 / np.arange(1, len(projected) + 1)
    share /= share.sum()
    projected *= (_COMMON / (_COMMON + share))[:, None]
    scale = np.abs(projected).max() / _LARGEST
    if not scale > 0:
        raise EncoderError("the encoder makes the same of every piece")
    pieces = [encoder.vocabulary[place] for place in encoder.ordinary]
    return EmbeddingTable(pieces, np.round(projected / scale).astype(np.int8))
