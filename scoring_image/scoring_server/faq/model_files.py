"""The artefact of a FAQ model: three files or more behind the manifest.

`weights.npz` holds the numbers, `vocabulary.json` the n-grams, `originals.json` ids and texts, and
`answers.json`, where the data has them, the texts and addresses of the answers. A model that was
trained with embeddings carries their two files as well.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from scoring_server.artefact import Artefact, Manifest, ModelLoadError, write_artefact
from scoring_server.faq.arrays import pack_arrays, unpack_arrays
from scoring_server.faq.embedding_files import holds_table, read_table, table_files
from scoring_server.faq.model import Answer, EmbeddingBlock, FaqModel, Id, NgramBlock, Originals
from scoring_server.faq.none_of_these import NoneOfThese
from scoring_server.faq.weights import matrix_from_arrays

KIND: Final = "faq-matching"
_WEIGHTS, _VOCABULARY, _ORIGINALS = "weights.npz", "vocabulary.json", "originals.json"
_ANSWERS: Final = "answers.json"
_LARGEST_NGRAM = 16


def write_model(
    directory: Path,
    model: FaqModel,
    *,
    name: str,
    created_by: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> Manifest:
    """Write the artefact of a model; the same arguments always give the same bytes.

    Args:
        directory: where to; replaced if it holds an artefact.
        model: what to write.
        name: as people see it.
        created_by: provenance: versions, parameters, hashes of the data.
        metrics: what training measured.

    Raises:
        OSError: it cannot be written.
    """
    arrays = {
        "word_idf": model.words.idf,
        "char_idf": model.chars.idf,
        **model.weights.arrays(),
    }
    vocabulary = {"word": model.words.ngrams, "char": model.chars.ngrams}
    originals = {
        "ids": model.originals.ids,
        "answerIds": model.originals.answer_ids,
        "texts": model.originals.texts,
    }
    files: dict[str, bytes | Path] = {
        _WEIGHTS: pack_arrays(arrays),
        _VOCABULARY: orjson.dumps(vocabulary),
        _ORIGINALS: orjson.dumps(originals),
    }
    if model.answers:
        files[_ANSWERS] = orjson.dumps(
            {
                "ids": list(model.answers),
                "texts": [answer.text for answer in model.answers.values()],
                "urls": [answer.url for answer in model.answers.values()],
            }
        )
    rows, columns = model.weights.shape
    meaning = {}
    if model.embedding is not None:
        files |= table_files(model.embedding.table)
        meaning = {"meaningNorm": model.embedding.norm}
    return write_artefact(
        directory,
        kind=KIND,
        name=name,
        weights="trained",
        created_by=created_by,
        files=files,
        details={
            "originals": columns,
            "features": rows - 1,
            "wordNgrams": model.words.sizes,
            "charNgrams": model.chars.sizes,
            "wordNorm": model.words.norm,
            "charNorm": model.chars.norm,
            **meaning,
            "noneOfThese": {
                "intercept": model.none.intercept,
                "top": model.none.top,
                "lead": model.none.lead,
                "threshold": model.none.threshold,
            },
            "metrics": dict(metrics),
        },
    )


def read_model(artefact: Artefact) -> FaqModel:
    """Read what `write_model` wrote.

    Raises:
        ModelLoadError: something is missing, of the wrong type or shape, or not finite.
    """
    details = artefact.manifest.details
    arrays = unpack_arrays(artefact.read_bytes(_WEIGHTS), _WEIGHTS)
    vocabulary = _json_object(artefact, _VOCABULARY)
    originals = _originals(artefact)
    words = _block("word", details, vocabulary, arrays)
    chars = _block("char", details, vocabulary, arrays)
    embedding = _embedding(artefact)
    features = len(words.ngrams) + len(chars.ngrams)
    if embedding is not None:
        features += embedding.table.dimensions
    weights = matrix_from_arrays(arrays, (features + 1, len(originals.ids)), _WEIGHTS)
    answers = _answers(artefact) if _ANSWERS in artefact.manifest.files else {}
    return FaqModel(words, chars, weights, _none(details), originals, answers, embedding)


def _embedding(artefact: Artefact) -> EmbeddingBlock | None:
    if not holds_table(artefact):
        return None
    norm = _number(artefact.manifest.details.get("meaningNorm"), "model.json: meaningNorm")
    return EmbeddingBlock(read_table(artefact), norm)


def _block(
    kind: str,
    details: Mapping[str, Any],
    vocabulary: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> NgramBlock:
    sizes = _sizes(details.get(f"{kind}Ngrams"), f"model.json: {kind}Ngrams")
    norm = _number(details.get(f"{kind}Norm"), f"model.json: {kind}Norm")
    idf = arrays.get(f"{kind}_idf", np.zeros(0))
    ngrams = _strings(vocabulary.get(kind), f"{_VOCABULARY}: {kind}")
    if idf.dtype != np.float64 or idf.shape != (len(ngrams) + 1,) or not np.isfinite(idf).all():
        raise _invalid(f"{_WEIGHTS}: {kind}_idf")
    block = NgramBlock(sizes, ngrams, idf, norm)
    if len(block.places) != len(ngrams):
        raise _invalid(f"{_VOCABULARY}: {kind}")
    return block


def _none(details: Mapping[str, Any]) -> NoneOfThese:
    fields = details.get("noneOfThese")
    if not isinstance(fields, dict):
        raise _invalid("model.json: noneOfThese")
    intercept, top, lead, threshold = (
        _number(fields.get(name), f"model.json: noneOfThese.{name}")
        for name in ("intercept", "top", "lead", "threshold")
    )
    return NoneOfThese(intercept, top, lead, threshold)


def _originals(artefact: Artefact) -> Originals:
    fields = _json_object(artefact, _ORIGINALS)
    ids = _ids(fields.get("ids"), _ORIGINALS, "ids")
    answer_ids = _ids(fields.get("answerIds"), _ORIGINALS, "answerIds")
    texts = _strings(fields.get("texts"), f"{_ORIGINALS}: texts")
    if not 0 < len(ids) == len(answer_ids) == len(texts) or len(set(ids)) != len(ids):
        raise _invalid(_ORIGINALS)
    return Originals(ids, answer_ids, texts)


def _answers(artefact: Artefact) -> dict[Id, Answer]:
    fields = _json_object(artefact, _ANSWERS)
    ids = _ids(fields.get("ids"), _ANSWERS, "ids")
    texts = _strings(fields.get("texts"), f"{_ANSWERS}: texts")
    urls = fields.get("urls")
    if not isinstance(urls, list) or set(map(type, urls)) - {str, type(None)}:
        raise _invalid(f"{_ANSWERS}: urls")
    if not len(ids) == len(texts) == len(urls) or len(set(ids)) != len(ids):
        raise _invalid(_ANSWERS)
    return {
        identity: Answer(text, url) for identity, text, url in zip(ids, texts, urls, strict=True)
    }


def _json_object(artefact: Artefact, name: str) -> dict[str, Any]:
    try:
        value = orjson.loads(artefact.read_bytes(name))
    except orjson.JSONDecodeError:
        raise _invalid(name) from None
    if not isinstance(value, dict):
        raise _invalid(name)
    return value


def _strings(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or set(map(type, value)) - {str}:
        raise _invalid(where)
    return value


def _ids(value: object, file: str, where: str) -> list[Id]:
    if not isinstance(value, list) or set(map(type, value)) - {int, str}:
        raise _invalid(f"{file}: {where}")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(where)
    return float(value)


def _sizes(value: object, where: str) -> tuple[int, int]:
    if not isinstance(value, list) or [type(size) for size in value] != [int, int]:
        raise _invalid(where)
    smallest, largest = value
    if not 1 <= smallest <= largest <= _LARGEST_NGRAM:
        raise _invalid(where)
    return smallest, largest


def _invalid(where: str) -> ModelLoadError:
    return ModelLoadError(f"{where} is not what this server expects; train the model again")
