"""The serving form of a trained model: plain data, no method of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.embeddings import EmbeddingTable
from scoring_server.faq.none_of_these import NoneOfThese
from scoring_server.faq.weights import WeightMatrix

Id = int | str


@dataclass(frozen=True)
class Originals:
    """The original questions, in the order of the matrix's columns.

    Attributes:
        ids, answer_ids: as given in the data; int where the whole column is integers.
        texts: what they say.
    """

    ids: list[Id]
    answer_ids: list[Id]
    texts: list[str]

    def index_of(self, identity: str) -> int | None:
        """The place of an original by its id as it is written; None where there is none."""
        written = [str(original) for original in self.ids]
        return written.index(identity) if identity in written else None


@dataclass(frozen=True)
class Answer:
    """What answers an original: its text and, if it has one, its address on the web."""

    text: str
    url: str | None


@dataclass(frozen=True)
class NgramBlock:
    """One kind of n-grams.

    Attributes:
        sizes: fewest and most words or characters of an n-gram.
        ngrams: the vocabulary, in the order of the matrix's rows.
        idf: of each n-gram and, last, of an unseen one; shape (n-grams + 1,), float64.
        norm: the L2 norm of a text of which every n-gram is known.
    """

    sizes: tuple[int, int]
    ngrams: list[str]
    idf: NDArray[np.float64]
    norm: float

    @cached_property
    def places(self) -> Mapping[str, int]:
        """From n-gram to its place in the vocabulary."""
        return dict(zip(self.ngrams, range(len(self.ngrams)), strict=True))


@dataclass(frozen=True)
class EmbeddingBlock:
    """The features that tell what a text means, behind those of the n-grams.

    Attributes:
        table: the vectors.
        norm: the L2 norm of a text's features.
    """

    table: EmbeddingTable
    norm: float


@dataclass(frozen=True)
class FaqModel:
    """All that ranking needs: blocks of features, weights, "none of these", and the originals.

    `answers` has what is known of the originals' answers, by answer id; `embedding` is None where
    the model was trained without one.
    """

    words: NgramBlock
    chars: NgramBlock
    weights: WeightMatrix
    none: NoneOfThese
    originals: Originals
    answers: Mapping[Id, Answer] = field(default_factory=dict)
    embedding: EmbeddingBlock | None = None
