"""Words are cut into pieces as the reference tokenizer does it."""

import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring_server.faq.wordpiece import WordPiece, split_words
from tests.server.faq.encoders import VOCABULARY

PLACES = {piece: place for place, piece in enumerate(VOCABULARY)}
_cut = WordPiece(PLACES)


def pieces(text: str) -> list[str]:
    return [VOCABULARY[place] for place in _cut(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n", []),
        ("Open the ticket", ["open", "the", "ticket"]),
        ("tickets? now", ["ticket", "##s", "?", "n", "##o", "##w"]),
        ("back-up", ["back", "-", "u", "##p"]),
        ("é\u0301É", ["e", "##e"]),
        ("op\u00aden\x00", ["open"]),
        ("a日b", ["a", "日", "b"]),
        ("ö" * 101, []),
        ("æ", []),
        ("howæ much", ["much"]),
        ("x" * 100, ["x", *["##x"] * 99]),
        ("$5^", ["$", "5", "^"]),
    ],
)
def test_texts_are_cut(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_words_are_remembered_but_not_without_end() -> None:
    cut = WordPiece(PLACES)
    for number in range(10_000):
        cut(f"ticket{number}")
    assert cut("ticket5") == [PLACES[piece] for piece in ("ticket", "##5")]
    assert len(cut._remembered) <= 4000


def test_ascii_is_cut_like_any_other_text() -> None:
    ascii_text = "".join(map(chr, range(128))) + "a\x1fb \x0b c\rd"
    # One character that stands alone makes it take the way of all other scripts.
    assert split_words(ascii_text) == split_words(f"{ascii_text}日")[:-1]


# Python and the reference know different versions of Unicode, and with them what a character is;
# those of the oldest version that Python has are the same in both.
_ALIKE = st.characters(
    codec="utf-8",
    exclude_categories=("Cs", "Cn", "Co"),
    exclude_characters=[
        chr(c)
        for c in range(sys.maxunicode + 1)
        if unicodedata.ucd_3_2_0.category(chr(c)) != unicodedata.category(chr(c))
        or unicodedata.ucd_3_2_0.normalize("NFD", chr(c)) != unicodedata.normalize("NFD", chr(c))
    ],
)
_PIECES = st.sampled_from([*VOCABULARY, *"\t\n\r\0\u200b\xa0é日の\u2019"])


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The `tokenizers` library's own implementation with the same vocabulary."""
    tokenizers = pytest.importorskip("tokenizers", reason="compares with the tokenizers library")
    file: Path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    file.write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return tokenizers.BertWordPieceTokenizer(str(file), lowercase=True)


def test_recorded_texts_are_cut_like_the_reference_did() -> None:
    recorded = json.loads(Path(__file__).with_name("wordpiece_reference.json").read_text())
    assert recorded["library"].startswith("tokenizers ")
    assert len(recorded["cases"]) > 150
    for text, expected in recorded["cases"]:
        assert pieces(text) == expected, ascii(text)


@given(text=st.lists(st.one_of(_PIECES, st.text(_ALIKE, max_size=4))).map("".join))
@example(text="".join(VOCABULARY[6:]))
@example(text="İstanbul ΑΣ ß ﬁ")
@example(text="x" * 101 + " " + "y" * 100)
def test_any_text_is_cut_like_the_reference_does(reference: Any, text: str) -> None:
    ids = reference.encode(text, add_special_tokens=False).ids
    if any(f"{special}" in text for special in VOCABULARY[:6]):
        return  # The reference takes "[CLS]" in a text for the mark itself.
    unknown = PLACES["[UNK]"]
    assert _cut(text) == [place for place in ids if place != unknown]
