"""From a question to its n-grams: the serving twin of scikit-learn's analyzers.

Training uses scikit-learn's `CountVectorizer` analyzers ("word" and "char_wb"); these functions
give the same n-grams without scikit-learn, for one short text at a time. A property test holds
the two together.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

# A question is short. What lies behind this many characters is not read, in training neither, so
# that a megabyte of text costs no more than a page.
MAX_CHARACTERS: Final = 10_000

WORD_PATTERN: Final = r"(?u)\b\w\w+\b"

find_words = re.compile(WORD_PATTERN).findall


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
    return joined_words(find_words(normalised), smallest, largest)


def joined_words(words: Sequence[str], smallest: int, largest: int) -> list[str]:
    """The word n-grams of a text that has these words."""
    ngrams: list[str] = []
    for size in range(smallest, largest + 1):
        if size == 1:
            ngrams += words
        else:
            ngrams += map(" ".join, zip(*(words[i:] for i in range(size)), strict=False))
    return ngrams


def char_ngrams(normalised: str, smallest: int, largest: int) -> list[str]:
    """Character n-grams within each word, which is padded by one space on both sides.

    Words are what lies between white space, so "===" and "c++" count. A word that is shorter than
    an n-gram gives itself once. Same as scikit-learn's `analyzer="char_wb"`.
    """
    ngrams: list[str] = []
    for word in normalised.split():
        padded = f" {word} "
        length = len(padded)
        for size in range(smallest, largest + 1):
            if length <= size:
                ngrams.append(padded)
                break
            ngrams += [padded[i : i + size] for i in range(length - size + 1)]
    return ngrams
