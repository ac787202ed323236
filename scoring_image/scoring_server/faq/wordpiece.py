"""Words in pieces: BERT's uncased tokenizer for one short text, without its libraries.

The rules are those of the original implementation (Devlin et al. 2019): control characters go,
accents and case are folded, punctuation and CJK characters stand alone, and each word is cut
greedily into the longest known pieces. A property test holds it to the `tokenizers` library.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

_LONGEST_WORD: Final = 100
# The pieces of so many words are kept: most words of a question have been in others.
_REMEMBERED: Final = 4000

_BLANKS = {ord(blank): " " for blank in "\t\n\r"}
_ASCII_CONTROLS: Final = {**dict.fromkeys([*range(32), 127]), **_BLANKS}
_find_ascii = re.compile(r"[0-9a-z]+|[!-/:-@\[-`{-~]").findall
_CJK: Final = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """Cuts texts into pieces of a vocabulary.

    Args:
        places: piece → its place; a piece that continues a word begins with "##".
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = places
        self._longest = max(map(len, places), default=0)
        self._remembered: dict[str, list[int]] = {}

    def __call__(self, text: str) -> list[int]:
        """The places of a text's pieces, in order; a word that cannot be cut has none."""
        places: list[int] = []
        for word in split_words(text):
            known = self._remembered.get(word)
            places += self._cut_and_remember(word) if known is None else known
        return places

    def _cut_and_remember(self, word: str) -> list[int]:
        if len(word) > _LONGEST_WORD:
            return []
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        places = self._remembered[word] = self._cut(word)
        return places

    def _cut(self, word: str) -> list[int]:
        places: list[int] = []
        start, mark = 0, ""
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                place = self._places.get(mark + word[start:end])
                if place is not None:
                    break
            else:
                return []
            places.append(place)
            start, mark = end, "##"
        return places


def split_words(text: str) -> list[str]:
    """Words and punctuation of a text in lower case, without accents."""
    if text.isascii():
        words: list[str] = _find_ascii(text.lower().translate(_ASCII_CONTROLS))
        return words
    cleaned = "".join(_cleaned(text))
    folded = "".join(
        character
        for character in unicodedata.normalize("NFD", cleaned)
        if unicodedata.category(character) != "Mn"
    )
    return "".join(map(_apart_if_punctuation, folded.lower())).split()


def _cleaned(text: str) -> Iterator[str]:
    for character in text:
        if character in "\t\n\r":
            yield " "
        elif unicodedata.category(character)[0] == "C" or character == "\ufffd":
            continue
        elif character.isspace():
            yield " "
        elif any(first <= ord(character) <= last for first, last in _CJK):
            yield f" {character} "
        else:
            yield character


def _apart_if_punctuation(character: str) -> str:
    # ASCII counts as punctuation what Unicode calls symbols: $ + < = > ^ ` | ~
    is_symbol = character.isascii() and character.isprintable() and not character.isalnum()
    if character != " " and (is_symbol or unicodedata.category(character)[0] == "P"):
        return f" {character} "
    return character
