"""TF-IDF features of questions at serving time, equal to those of training."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """One kind of n-grams and its vocabulary.

    Attributes:
        analyse: from text to n-grams, with repetitions.
        places: n-gram → its place in `idf`.
        idf: inverse document frequency of each n-gram and, last, of one outside the vocabulary,
            which counts in the norm alone; shape (n-grams + 1,).
        first_row: the row of the weight matrix that belongs to place 0.
        weight: the L2 norm of the block where every n-gram of the text is known.
    """

    analyse: Callable[[str], list[str]]
    places: Mapping[str, int]
    idf: NDArray[np.float64]
    first_row: int
    weight: float

    def features(self, text: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows and values of the known n-grams of one normalised text, in order of appearance."""
        counts = Counter(self.analyse(text))
        size = len(counts)
        # Place -1 reads the last idf: that of the unseen.
        places = np.fromiter(map(self.places.get, counts, repeat(-1)), np.intp, size)
        values = np.fromiter(counts.values(), np.float64, size)
        np.log(values, out=values)
        values += 1.0
        values *= self.idf[places]
        norm = math.sqrt(values @ values)
        if norm > 0:
            values *= self.weight / norm
        known = places >= 0
        return places[known] + self.first_row, values[known]


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

    Attributes:
        normalise: applied to each text first.
        blocks: the kinds of n-grams, in the order of their rows.
        intercept: the row that every question has with value 1, behind those of the blocks.
    """

    normalise: Callable[[str], str]
    blocks: Sequence[Block]
    intercept: int

    def __call__(self, questions: Sequence[str]) -> Features:
        """Features of the questions; no question is without any, thanks to the intercept."""
        intercept = (np.array([self.intercept], dtype=np.intp), np.ones(1))
        starts = []
        parts = []
        length = 0
        for question in questions:
            text = self.normalise(question)
            starts.append(length)
            for part in (*(block.features(text) for block in self.blocks), intercept):
                parts.append(part)
                length += len(part[0])
        return Features(
            rows=np.concatenate([rows for rows, _ in parts]),
            values=np.concatenate([values for _, values in parts]),
            starts=np.array(starts, dtype=np.intp),
        )
