"""TF-IDF of questions for training: scikit-learn's analyzers, weighted per original.

Two things differ from scikit-learn's `TfidfVectorizer`. The document of the inverse document
frequency is an original with all of its duplicates, not a single text: what tells originals apart
is that few of them use an n-gram, however often one of them repeats it (+1 to +2 points Acc@1 on
BANKING77 with 3 and 5 duplicates per original). And an n-gram that was never seen counts in the
norm of its text, so that a question about something else looks as foreign as it is.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from scoring_server.faq.text import WORD_PATTERN, normalise

Analyser = Callable[[str], list[str]]


@dataclass(frozen=True)
class Counts:
    """How often each text has each n-gram of a vocabulary.

    Attributes:
        known: counts, sparse, shape (texts, n-grams).
        unseen: sum of the squared sublinear frequencies of all other n-grams, shape (texts,).
    """

    known: sp.csr_matrix
    unseen: NDArray[np.float64]

    def take(self, texts: NDArray[np.intp]) -> "Counts":
        """The counts of some of the texts, by index."""
        return Counts(self.known[texts], self.unseen[texts])


class NgramCounter:
    """Counts one kind of n-grams; the vocabulary is sorted, so its order depends on nothing
    else."""

    def __init__(self, analyse: Analyser, texts: Sequence[str]) -> None:
        self.analyse = analyse
        ngrams = sorted({ngram for text in texts for ngram in analyse(text)})
        self.places = {ngram: place for place, ngram in enumerate(ngrams)}

    @classmethod
    def of_words(cls, sizes: tuple[int, int], texts: Sequence[str]) -> "NgramCounter":
        """Count word n-grams of sizes[0] to sizes[1] words."""
        vectorizer = CountVectorizer(
            preprocessor=normalise, token_pattern=WORD_PATTERN, ngram_range=sizes
        )
        return cls(vectorizer.build_analyzer(), texts)

    @classmethod
    def of_chars(cls, sizes: tuple[int, int], texts: Sequence[str]) -> "NgramCounter":
        """Count n-grams of sizes[0] to sizes[1] characters within words."""
        vectorizer = CountVectorizer(preprocessor=normalise, analyzer="char_wb", ngram_range=sizes)
        return cls(vectorizer.build_analyzer(), texts)

    def count(self, texts: Sequence[str]) -> Counts:
        """Count the n-grams of each text."""
        places: list[int] = []
        data: list[int] = []
        ends = [0]
        unseen = np.zeros(len(texts))
        for index, text in enumerate(texts):
            for ngram, count in Counter(self.analyse(text)).items():
                place = self.places.get(ngram)
                if place is None:
                    unseen[index] += (1 + np.log(count)) ** 2
                else:
                    places.append(place)
                    data.append(count)
            ends.append(len(places))
        shape = (len(texts), len(self.places))
        return Counts(sp.csr_matrix((data, places, ends), shape, dtype=np.float64), unseen)


@dataclass(frozen=True)
class Weighting:
    """Turns counts into TF-IDF with the document frequencies of some texts.

    Attributes:
        idf: per n-gram, 0 where it counts as unseen; shape (n-grams,).
        unseen_idf: of an n-gram that the texts do not have.
        norm: the L2 norm of a text of which every n-gram is known.
    """

    idf: NDArray[np.float64]
    unseen_idf: float
    norm: float

    @classmethod
    def learn(
        cls, counts: Counts, groups: NDArray[np.intp], *, norm: float, min_texts: int = 1
    ) -> "Weighting":
        """Learn the document frequencies.

        Args:
            counts: of the texts to learn from.
            groups: the original of each text, numbered from 0.
            norm: as the attribute.
            min_texts: n-grams in fewer texts count as unseen.
        """
        originals = int(groups.max()) + 1
        document_frequency = _nonzero_rows(_membership(groups) @ counts.known)
        idf = np.log((1 + originals) / (1 + document_frequency)) + 1
        idf[_nonzero_rows(counts.known) < min_texts] = 0
        return cls(idf, float(np.log(1 + originals)) + 1, norm)

    def apply(self, counts: Counts) -> sp.csr_matrix:
        """Sublinear TF-IDF, L2-normalised; sparse, shape (texts, n-grams)."""
        frequencies = counts.known.copy()
        frequencies.data = 1 + np.log(frequencies.data)
        weighted = frequencies @ sp.diags(self.idf)
        foreign = frequencies.power(2) @ (self.idf == 0) + counts.unseen
        squares = _row_squares(weighted) + foreign * self.unseen_idf**2
        scale = np.zeros_like(squares)
        np.divide(self.norm, np.sqrt(squares), out=scale, where=squares > 0)
        return sp.csr_matrix(sp.diags(scale) @ weighted)


def centroids(features: sp.csr_matrix, groups: NDArray[np.intp]) -> sp.csr_matrix:
    """Mean features of each original's texts, scaled to norm 1; sparse, shape (features,
    originals)."""
    sums = _membership(groups) @ features
    norms = np.sqrt(_row_squares(sums))
    scale = np.zeros_like(norms)
    np.divide(1.0, norms, out=scale, where=norms > 0)
    return sp.csr_matrix((sp.diags(scale) @ sums).T)


def dense_centroids(features: NDArray[np.float64], groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """As `centroids`, of features that are not sparse."""
    return unit_rows(_membership(groups) @ features).T


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows with norm 1; those that are 0 stay so."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1.0)


def _membership(groups: NDArray[np.intp]) -> sp.csr_matrix:
    """Which texts belong to which original, shape (originals, texts)."""
    texts = np.arange(len(groups))
    shape = (int(groups.max()) + 1, len(groups))
    return sp.csr_matrix((np.ones(len(groups)), (groups, texts)), shape)


def _nonzero_rows(matrix: sp.csr_matrix) -> NDArray[np.float64]:
    return np.bincount(matrix.tocsr().indices, minlength=matrix.shape[1]).astype(np.float64)


def _row_squares(matrix: sp.csr_matrix) -> NDArray[np.float64]:
    return np.asarray(matrix.power(2).sum(axis=1)).ravel()
