"""What a model is, where it comes from, and what speaks for an original."""

from collections.abc import Iterator, Mapping

import numpy as np

from scoring_server.artefact import Artefact
from scoring_server.faq.model import FaqModel
from scoring_server.faq.weights import SparseMatrix


def describe(artefact: Artefact, model: FaqModel) -> list[str]:
    """Lines for people: name, digest, sizes, provenance, metrics."""
    manifest = artefact.manifest
    form = "sparse" if isinstance(model.weights, SparseMatrix) else "dense"
    size = sum(entry.size for entry in manifest.files.values())
    facts: dict[str, object] = {
        "name": manifest.name,
        "digest": artefact.digest,
        "originals": len(model.originals.ids),
        "word n-grams": len(model.words.ngrams),
        "character n-grams": len(model.chars.ngrams),
        **_meaning(model),
        "matrix": f"{form}, {' x '.join(map(str, model.weights.shape))}",
        "size": f"{size / 1e6:.2f} MB",
        "unanswered from P(none) of": f"{model.none.threshold:g}",
        **dict(_flat("created by", manifest.created_by)),
        **dict(_flat("metrics", manifest.details.get("metrics", {}))),
    }
    return [f"{name:<38} {value}" for name, value in facts.items()]


def _meaning(model: FaqModel) -> dict[str, object]:
    if model.embedding is None:
        return {}
    table = model.embedding.table
    return {"embeddings": f"{len(table.pieces)} pieces of words, {table.dimensions} dimensions"}


def strongest_ngrams(model: FaqModel, original: int, top: int) -> list[tuple[str, float]]:
    """The n-grams that raise the logit of an original most where a text has them, best first.

    Args:
        model: the model.
        original: index of the original.
        top: how many.

    Returns:
        The n-grams, quoted where they hold spaces at an end, with weight times idf.
    """
    ngrams = [*model.words.ngrams, *model.chars.ngrams]
    idf = np.concatenate([model.words.idf[:-1], model.chars.idf[:-1]])
    effect = model.weights.column(original)[: len(ngrams)] * idf
    best = np.argsort(-effect, kind="stable")[:top]
    return [(_quoted(ngrams[i]), float(effect[i])) for i in best if effect[i] > 0]


def _quoted(ngram: str) -> str:
    return ngram if ngram == ngram.strip() else f"'{ngram}'"


def _flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """Nested fields as one line each: "data.originals.rows 92"."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{prefix}.{key}", item)
    else:
        yield prefix, value
