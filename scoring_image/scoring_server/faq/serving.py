"""Ranking at serving time: needs numpy and orjson, nothing of scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import open_artefact
from scoring_server.faq.featuriser import Block, Featuriser, Meaning
from scoring_server.faq.model import Answer, FaqModel, Id, Originals
from scoring_server.faq.model_files import KIND, read_model

# Logits that are held at a time, 8 MB: a request may ask many questions of many originals.
_MAX_LOGITS = 1_000_000


class Match(NamedTuple):
    """One original that may be what was asked; ids as in the data."""

    original_id: Id
    answer_id: Id
    probability: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to one question.

    Attributes:
        rows: original, answer and probability, best first; equals in the order of the data. The
            probabilities say which original is asked if any of them is, and add up to 1 over all
            originals.
        none_probability: the probability that no original answers.
    """

    rows: list[tuple[Id, Id, float]]
    none_probability: float

    @property
    def matches(self) -> tuple[Match, ...]:
        """The rows with names, which take longer to make than the rest of a ranking."""
        return tuple(map(Match._make, self.rows))


def load(directory: Path) -> "FaqRanker":
    """Load a trained model.

    Raises:
        ModelLoadError: there is no valid artefact of a FAQ model.
    """
    artefact = open_artefact(directory, KIND, keep=True)
    model = read_model(artefact)
    info = {
        "name": artefact.manifest.name,
        "digest": artefact.digest,
        "weights": artefact.manifest.weights,
        "originals": len(model.originals.ids),
        "features": model.weights.shape[0] - 1,
    }
    return FaqRanker(model, info)


class FaqRanker:
    """Ranks the originals of a FAQ for questions; safe to share between threads and forks.

    Attributes:
        info: name, digest, weights ("trained"), number of originals and of features.
    """

    def __init__(self, model: FaqModel, info: dict[str, Any]) -> None:
        self.info = info
        self._model = model
        self._ids = _objects(model.originals.ids)
        self._answer_ids = _objects(model.originals.answer_ids)
        self._featurise = _featuriser(model)

    def rank(
        self, questions: Sequence[str], *, top: int | None = None, min_probability: float = 0.0
    ) -> list[Ranking]:
        """Rank the originals for each question.

        Args:
            questions: any texts, empty ones too.
            top: at most this many matches; None: all.
            min_probability: matches with less are left out.

        Raises:
            ValueError: top below 1, or min_probability outside of 0 to 1.
        """
        if top is not None and top < 1:
            raise ValueError(f"top must be at least 1, not {top}")
        if not 0.0 <= min_probability <= 1.0:
            raise ValueError(f"min_probability must be between 0 and 1, not {min_probability}")
        rankings: list[Ranking] = []
        size = max(1, _MAX_LOGITS // len(self._ids))
        for start in range(0, len(questions), size):
            logits = self.logits(questions[start : start + size])
            rankings += [self._ranking(row, top, min_probability) for row in logits]
        return rankings

    @property
    def originals(self) -> Originals:
        """Ids, answer ids and texts of the originals, in the order of the logits."""
        return self._model.originals

    @cached_property
    def _places(self) -> Mapping[Id, int]:
        """From an original's id to its place; not made while the model is loaded."""
        ids = self._model.originals.ids
        return dict(zip(ids, range(len(ids)), strict=True))

    @property
    def none_threshold(self) -> float:
        """From this probability of none on a question counts as unanswered."""
        return self._model.none.threshold

    def is_none(self, ranking: Ranking) -> bool:
        """Whether a question counts as unanswered."""
        return ranking.none_probability >= self.none_threshold

    def text(self, match: Match) -> str:
        """What the original of a match says."""
        return self._model.originals.texts[self._places[match.original_id]]

    def answer(self, match: Match) -> Answer | None:
        """The answer of a match; None where the data has none."""
        return self._model.answers.get(match.answer_id)

    def logits(self, questions: Sequence[str]) -> NDArray[np.float64]:
        """Logits of the originals, shape (questions, originals)."""
        return self._model.weights.logits([self._featurise(q) for q in questions])

    def none_probability(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that no original answers, shape (questions,), from the logits."""
        return self._model.none.probability(logits)

    def _ranking(
        self, logits: NDArray[np.float64], top: int | None, min_probability: float
    ) -> Ranking:
        order = _best(logits, None if top is None else max(top, 2))
        best, *second = logits[order[:2]].tolist()
        probabilities = np.exp(logits - best)
        probabilities /= probabilities.sum()
        if top is not None:
            order = order[:top]
        chosen = probabilities[order]
        if min_probability > 0.0:
            order = order[chosen >= min_probability]
            chosen = chosen[: len(order)]
        ids, answer_ids = self._ids[order].tolist(), self._answer_ids[order].tolist()
        return Ranking(
            rows=list(zip(ids, answer_ids, chosen.tolist(), strict=True)),
            none_probability=self._model.none.probability_of_one(
                best, best - second[0] if second else 0.0
            ),
        )


def _best(logits: NDArray[np.float64], top: int | None) -> NDArray[np.intp]:
    """Indices of the highest logits, best first, equals in ascending order."""
    if top is None or top >= len(logits):
        return (-logits).argsort(kind="stable")
    threshold = np.partition(logits, len(logits) - top)[len(logits) - top]
    (candidates,) = (logits >= threshold).nonzero()
    best: NDArray[np.intp] = candidates[(-logits[candidates]).argsort(kind="stable")[:top]]
    return best


def _objects(values: Sequence[Id]) -> NDArray[np.object_]:
    """An array, from which many are taken at once faster than from a list."""
    array = np.empty(len(values), np.object_)
    array[:] = values
    return array


def _featuriser(model: FaqModel) -> Featuriser:
    words, chars = model.words, model.chars
    chars_at, intercept = len(words.ngrams), len(words.ngrams) + len(chars.ngrams)
    meaning = None
    if model.embedding is not None:
        meaning = Meaning(model.embedding.table, intercept + 1, model.embedding.norm)
    return Featuriser(
        Block(words.sizes, words.places, 0, float(words.idf[-1]), words.norm),
        Block(chars.sizes, chars.places, chars_at, float(chars.idf[-1]), chars.norm),
        intercept,
        np.concatenate([words.idf[:-1], chars.idf[:-1], np.ones(1)]),
        meaning,
    )
