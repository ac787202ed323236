"""From a question to its n-grams: the serving twin of scikit-learn's analyzers.

Training uses scikit-learn's `CountVectorizer` analyzers ("word" and "char_wb"); these functions
give the same n-grams without scikit-learn, for one short text at a time. A property test holds
the two together.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# A question is short. What lies behind this many characters is not read, in training neither, so
# that a megabyte of text costs no more than a page.
MAX_CHARACTERS: Final = 10_000

WORD_PATTERN: Final = r"(?u)\b\w\w+\b"

_find_words = re.compile(WORD_PATTERN).findall


def normalise(text: str) -> str:
    """Fold what looks or means the same, Unicode NFKC and then case, of the first MAX_CHARACTERS.

    NFKC can make eighteen characters out of one, so the result is cut as well.
    """
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.casefold()[:MAX_CHARACTERS]


def same_text_key(text: str) -> str:
    """What two texts share that a model cannot tell apart: case and spaces do not count."""
    return " ".join(normalise(text).split())


def word_ngrams(normalised: str, smallest: int, largest: int) -> list[str]:
    """Word n-grams of smallest to largest words, joined by one space.

    Words are runs of two or more word characters. Same as scikit-learn's `analyzer="word"`.
    """
    words = _find_words(normalised)
    ngrams: list[str] = [] if smallest > 1 else list(words)
    for size in range(max(2, smallest), largest + 1):
        ngrams += [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)]
    return ngrams


def char_ngrams(normalised: str, smallest: int, largest: int) -> list[str]:
    """Character n-grams within each word, which is padded by one space on both sides.

    Words are what lies between white space, so "===" and "c++" count. A word that is shorter than
    an n-gram gives itself once. Same as scikit-learn's `analyzer="char_wb"`.
    """
    ngrams: list[str] = []
    for word in normalised.split():
        of_word = _remembered_ngrams if len(word) <= _REMEMBERED_CHARACTERS else _ngrams_of_word
        ngrams += of_word(word, smallest, largest)
    return ngrams


def _ngrams_of_word(word: str, smallest: int, largest: int) -> list[str]:
    padded = f" {word} "
    length = len(padded)
    ngrams: list[str] = []
    for size in range(smallest, largest + 1):
        if length <= size:
            ngrams.append(padded)
            break
        ngrams += [padded[i : i + size] for i in range(length - size + 1)]
    return ngrams


# Most words of a question have been in others: their n-grams, and the hashes of these, are kept.
# 2,000 words take about 5 MB.
_REMEMBERED_CHARACTERS: Final = 16
_remembered_ngrams = lru_cache(maxsize=2000)(_ngrams_of_word)
