"""TF-IDF features of questions at serving time, equal to those of training."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.embeddings import EmbeddingTable


@dataclass(frozen=True)
class Block:
    """One kind of n-grams and its vocabulary.

    Attributes:
        analyse: from text to n-grams, with repetitions.
        places: n-gram → its place in the vocabulary.
        first_row: the row of the weight matrix that belongs to place 0.
        unseen: the row, behind those of the matrix, for n-grams outside the vocabulary, which
            count in the norm alone.
        weight: the L2 norm of the block where every n-gram of the text is known.
    """

    analyse: Callable[[str], list[str]]
    places: Mapping[str, int]
    first_row: int
    unseen: int
    weight: float


class Meaning:
    """What a text means as features: the direction of its embedding.

    Args:
        table: the vectors of words' pieces.
        first_row: the row of the weight matrix that belongs to the first dimension.
        weight: the L2 norm of the features.
    """

    def __init__(self, table: EmbeddingTable, first_row: int, weight: float) -> None:
        self._table = table
        self._rows = np.arange(first_row, first_row + table.dimensions)
        self._weight = weight

    def features(self, text: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows and values of one normalised text; none where the table knows nothing of it."""
        direction = self._table.embed(text)
        if direction is None:
            return self._rows[:0], np.zeros(0)
        return self._rows, direction * self._weight


@dataclass(frozen=True)
class Features:
    """The features of some questions, one question after the other.

    Attributes:
        rows: rows of the weight matrix, shape (n,).
        values: the features' values, shape (n,), float64.
        starts: where each question begins in them, shape (questions,).
    """

    rows: NDArray[np.intp]
    values: NDArray[np.float64]
    starts: NDArray[np.intp]


@dataclass(frozen=True)
class Featuriser:
    """Turns questions into features.

    A question is short: what each call of numpy costs by itself decides. So all n-grams of a
    question are weighed at once, and the intercept with them.

    Attributes:
        normalise: applied to each text first.
        blocks: the kinds of n-grams, in the order of their rows.
        intercept: the row that every question has with value 1, behind those of the blocks.
        idf: inverse document frequency by row, 1 for the intercept and, behind it, the blocks'
            values for what is unseen; shape (rows + 1 + blocks,).
        meaning: features behind the intercept's; None where the model has none.
    """

    normalise: Callable[[str], str]
    blocks: Sequence[Block]
    intercept: int
    idf: NDArray[np.float64]
    meaning: Meaning | None = None

    def __call__(self, questions: Sequence[str]) -> Features:
        """Features of the questions; no question is without any, thanks to the intercept."""
        parts = list(map(self._features, questions))
        if len(parts) == 1:
            ((rows, values),) = parts
            return Features(rows, values, np.zeros(1, dtype=np.intp))
        ends = np.cumsum([len(rows) for rows, _ in parts])
        return Features(
            rows=np.concatenate([rows for rows, _ in parts]),
            values=np.concatenate([values for _, values in parts]),
            starts=np.concatenate([[0], ends[:-1]]),
        )

    def _features(self, question: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows and values of one question: by block in order of appearance, then the intercept's,
        then the meaning's."""
        text = self.normalise(question)
        counters = [Counter(block.analyse(text)) for block in self.blocks]
        ends = list(accumulate(map(len, counters)))
        parts = list(map(slice, (0, *ends), ends))
        places = (
            map(block.places.get, counts, repeat(block.unseen - block.first_row))
            for block, counts in zip(self.blocks, counters, strict=True)
        )
        counted = (counts.values() for counts in counters)
        rows = np.fromiter(chain(*places, (self.intercept,)), np.intp, ends[-1] + 1)
        values = np.fromiter(chain(*counted, (1,)), np.float64, ends[-1] + 1)
        for block, part in zip(self.blocks, parts, strict=True):
            rows[part] += block.first_row
        np.log(values, out=values)
        values += 1.0
        values *= self.idf[rows]
        for block, part in zip(self.blocks, parts, strict=True):
            norm = math.sqrt(values[part] @ values[part])
            if norm > 0:
                values[part] *= block.weight / norm
        known = rows <= self.intercept
        if self.meaning is None:
            return rows[known], values[known]
        more_rows, more_values = self.meaning.features(text)
        return (
            np.concatenate([rows[known], more_rows]),
            np.concatenate([values[known], more_values]),
        )
