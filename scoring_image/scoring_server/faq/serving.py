"""Ranking at serving time: needs numpy and orjson, nothing of scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import open_artefact
from scoring_server.faq.featuriser import Block, Featuriser, Meaning
from scoring_server.faq.model import Answer, FaqModel, Id, Originals
from scoring_server.faq.model_files import KIND, read_model
from scoring_server.faq.text import char_ngrams, normalise, word_ngrams

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
        self._ids = model.originals.ids
        self._answer_ids = model.originals.answer_ids
        self._places = {identity: place for place, identity in enumerate(self._ids)}
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
            none = self.none_probability(logits).tolist()
            rankings += [
                Ranking(self._rows(row, top, min_probability), none_probability)
                for row, none_probability in zip(logits, none, strict=True)
            ]
        return rankings

    @property
    def originals(self) -> Originals:
        """Ids, answer ids and texts of the originals, in the order of the logits."""
        return self._model.originals

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
        return self._model.weights.logits(self._featurise(questions))

    def none_probability(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability that no original answers, shape (questions,), from the logits."""
        return self._model.none.probability(logits)

    def _rows(
        self, logits: NDArray[np.float64], top: int | None, min_probability: float
    ) -> list[tuple[Id, Id, float]]:
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        order = _best(logits, top)
        chosen = probabilities[order]
        if min_probability > 0.0:
            order = order[chosen >= min_probability]
            chosen = chosen[: len(order)]
        places = order.tolist()
        ids = map(self._ids.__getitem__, places)
        answer_ids = map(self._answer_ids.__getitem__, places)
        return list(zip(ids, answer_ids, chosen.tolist(), strict=True))


def _best(logits: NDArray[np.float64], top: int | None) -> NDArray[np.intp]:
    """Indices of the highest logits, best first, equals in ascending order."""
    if top is None or top >= len(logits):
        return np.argsort(-logits, kind="stable")
    threshold = np.partition(logits, len(logits) - top)[len(logits) - top]
    candidates = np.flatnonzero(logits >= threshold)
    return candidates[np.argsort(-logits[candidates], kind="stable")[:top]]


def _featuriser(model: FaqModel) -> Featuriser:
    kinds = ((model.words, word_ngrams), (model.chars, char_ngrams))
    intercept = sum(len(block.ngrams) for block, _ in kinds)
    blocks = []
    first_row = 0
    for number, (block, ngrams) in enumerate(kinds):
        smallest, largest = block.sizes
        blocks.append(
            Block(
                analyse=partial(ngrams, smallest=smallest, largest=largest),
                places=block.places,
                first_row=first_row,
                unseen=intercept + 1 + number,
                weight=block.norm,
            )
        )
        first_row += len(block.ngrams)
    seen, unseen = zip(*((block.idf[:-1], block.idf[-1:]) for block, _ in kinds), strict=True)
    meaning = None
    if model.embedding is not None:
        meaning = Meaning(model.embedding.table, intercept + 1, model.embedding.norm)
    idf = np.concatenate([*seen, np.ones(1), *unseen])
    return Featuriser(normalise, blocks, intercept, idf, meaning)
