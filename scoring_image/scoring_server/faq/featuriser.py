"""TF-IDF features of questions at serving time, equal to those of training."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.embeddings import EmbeddingTable
from scoring_server.faq.text import char_ngrams, find_words, joined_words, normalise

# Most words of a question have been in others, so what they bring is kept. Longer words are rare,
# and hostile ones of this length and number take 7 MB (tests/server/faq/test_featuriser.py).
REMEMBERED_WORDS: Final = 4000
REMEMBERED_CHARACTERS: Final = 20
# A text of more words is no question: it is taken as a whole, which costs less for each word, and
# makes nothing forgotten.
_MANY_WORDS: Final = 100

# Unseen n-grams are kept as one text: the objects of their own would take twenty times as much. No
# word has a line end in it.
_BETWEEN: Final = "\n"


class Features(NamedTuple):
    """The features of one question.

    Attributes:
        rows: rows of the weight matrix, ascending, each once, shape (n,).
        values: the features' values, shape (n,), float64.
    """

    rows: NDArray[np.intp]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """One kind of n-grams and its vocabulary.

    Attributes:
        sizes: fewest and most words or characters of an n-gram.
        places: n-gram → its place in the vocabulary.
        first_row: the row of the weight matrix that belongs to place 0.
        unseen_idf: of n-grams outside the vocabulary, which count in the norm alone.
        norm: the L2 norm of the block where every n-gram of the text is known.
    """

    sizes: tuple[int, int]
    places: Mapping[str, int]
    first_row: int
    unseen_idf: float
    norm: float


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

    def features(self, text: str) -> Features:
        """Of one normalised text; none where the table knows nothing of it."""
        direction = self._table.embed(text)
        if direction is None:
            return Features(self._rows[:0], np.zeros(0))
        return Features(self._rows, direction * self._weight)


class _Part(NamedTuple):
    """What a word brings, or several; words here are what lies between white space.

    Attributes:
        words: the words in it by the measure of word n-grams.
        rows: of its known character n-grams, with repetitions, shape (n,).
        unseen: its other character n-grams, with _BETWEEN between them.
    """

    words: list[str]
    rows: NDArray[np.intp]
    unseen: str


class Featuriser:
    """Turns questions into features; safe to share between threads and forks.

    A question is short: what each call of numpy costs by itself decides. So the rows of all its
    n-grams become one array, in which those that repeat are found by sorting. The order of the rows
    also makes the bits of the result the same whether a word was remembered or not.

    Args:
        words, chars: the kinds of n-grams; the rows of words come first.
        intercept: the row that every question has with value 1, behind those of the n-grams.
        idf: inverse document frequency by row, 1 for the intercept; shape (intercept + 1,).
        meaning: features behind the intercept's; None where the model has none.
    """

    def __init__(
        self,
        words: Block,
        chars: Block,
        intercept: int,
        idf: NDArray[np.float64],
        meaning: Meaning | None = None,
    ) -> None:
        self._words = words
        self._chars = chars
        self._intercept = intercept
        self._idf = idf
        self._meaning = meaning
        self._remembered = lru_cache(maxsize=REMEMBERED_WORDS)(self._part)

    def __call__(self, question: str) -> Features:
        """Features of a question; none is without any, thanks to the intercept."""
        text = normalise(question)
        words = text.split()
        parts = [self._part(text)] if len(words) > _MANY_WORDS else list(map(self._word, words))
        ngrams = joined_words([w for part in parts for w in part.words], *self._words.sizes)
        found = list(map(self._words.places.get, ngrams, repeat(-1)))
        unseen_words = [n for n, row in zip(ngrams, found, strict=True) if row < 0]
        found.append(self._intercept)
        rows = np.concatenate([np.array(found, np.intp), *[part.rows for part in parts]])
        rows.sort()
        rows = rows[len(unseen_words) :]

        is_first = np.empty(len(rows), np.bool_)
        is_first[0] = True
        np.not_equal(rows[1:], rows[:-1], out=is_first[1:])
        (starts,) = is_first.nonzero()
        rows = rows[starts]
        values = np.ones(len(rows))  # the intercept comes last, once
        frequencies = values[:-1]
        np.log(starts[1:] - starts[:-1], out=frequencies)
        frequencies += 1.0
        values *= self._idf[rows]

        chars_at = int(rows.searchsorted(self._chars.first_row))
        unseen_chars = _BETWEEN.join([part.unseen for part in parts if part.unseen])
        _scale(values[:chars_at], unseen_words, self._words)
        _scale(
            values[chars_at:-1], unseen_chars.split(_BETWEEN) if unseen_chars else [], self._chars
        )
        if self._meaning is None:
            return Features(rows, values)
        more = self._meaning.features(text)
        return Features(np.concatenate([rows, more.rows]), np.concatenate([values, more.values]))

    def _word(self, word: str) -> _Part:
        return self._remembered(word) if len(word) <= REMEMBERED_CHARACTERS else self._part(word)

    def _part(self, text: str) -> _Part:
        ngrams = char_ngrams(text, *self._chars.sizes)
        places = list(map(self._chars.places.get, ngrams))
        rows = np.array([place for place in places if place is not None], np.intp)
        rows += self._chars.first_row
        unseen = [n for n, place in zip(ngrams, places, strict=True) if place is None]
        return _Part(find_words(text), rows, _BETWEEN.join(unseen))


def _scale(values: NDArray[np.float64], unseen: Sequence[str], block: Block) -> None:
    """Give a block's values its norm, in place, with what the text has of unseen n-grams."""
    squares = float(values @ values)
    if unseen:
        squares += _squared_frequencies(unseen) * block.unseen_idf**2
    if squares > 0:
        values *= block.norm / math.sqrt(squares)


def _squared_frequencies(ngrams: Sequence[str]) -> float:
    """The sum of the squared sublinear frequencies."""
    if len(set(ngrams)) == len(ngrams):
        return float(len(ngrams))
    return sum((1.0 + math.log(count)) ** 2 for count in Counter(ngrams).values())
