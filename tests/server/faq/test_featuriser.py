"""What is remembered of words changes nothing but the time, and is bounded."""

import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring_server.faq import featuriser
from scoring_server.faq.featuriser import (
    REMEMBERED_CHARACTERS,
    REMEMBERED_WORDS,
    Block,
    Features,
    Featuriser,
)
from scoring_server.faq.text import char_ngrams
from tests.server.faq.test_serving_equals_training import QUESTIONS

WORDS = ["open", "ticket", "money", "money back", "c++"]
CHARS = sorted({ngram for text in WORDS for ngram in char_ngrams(text, 2, 4)})


def make() -> Featuriser:
    """A featuriser that has not met any word."""
    rows = len(WORDS) + len(CHARS)
    idf = np.append(np.linspace(1.0, 5.0, rows), 1.0)
    words = Block((1, 2), {n: i for i, n in enumerate(WORDS)}, 0, 5.0, 1.0)
    chars = Block((2, 4), {n: i for i, n in enumerate(CHARS)}, len(WORDS), 5.0, 1.3)
    return Featuriser(words, chars, rows, idf)


def bits(features: Features) -> tuple[bytes, bytes]:
    return features.rows.tobytes(), features.values.tobytes()


@given(st.lists(QUESTIONS, min_size=1, max_size=4))
def test_the_bits_are_the_same_whether_words_are_remembered_or_not(questions: list[str]) -> None:
    used = make()
    first = [bits(used(question)) for question in questions]
    assert [bits(used(question)) for question in questions] == first
    assert [bits(make()(question)) for question in questions] == first


def test_words_that_were_forgotten_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bits(make()("open a ticket, money back"))
    monkeypatch.setattr(featuriser, "REMEMBERED_WORDS", 2)
    used = make()
    for _ in range(3):
        assert bits(used("open a ticket, money back")) == expected


def test_a_long_text_is_the_sum_of_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "open c++ tickets, money back! ÄÖ " * 40
    whole = bits(make()(text))
    monkeypatch.setattr(featuriser, "_MANY_WORDS", 1_000_000)
    assert bits(make()(text)) == whole


def test_rows_ascend_and_are_there_once() -> None:
    rows = make()("money back money back, money").rows
    assert rows.tolist() == sorted(set(rows.tolist()))


def test_threads_share_what_is_remembered() -> None:
    used = make()
    questions = [f"open ticket number {i % 50} money back" for i in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda question: bits(used(question)), questions))
    assert answers == [bits(make()(question)) for question in questions]


def _memory_of(questions: list[str]) -> int:
    """Bytes that a featuriser holds after these questions, beyond what it had before."""
    used = make()
    used("warm up")
    tracemalloc.start()
    try:
        for question in questions:
            used(question)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_hostile_words_take_a_few_megabytes_at_most() -> None:
    """Characters of four bytes, none of which is known: the most that a word can take."""
    digits = [chr(0x1F300 + i) for i in range(10)]

    def word(number: int) -> str:
        last = "".join(digits[int(digit)] for digit in f"{number:06}")
        return "".join(chr(0x10400 + i) for i in range(REMEMBERED_CHARACTERS - len(last))) + last

    fills = [word(i) for i in range(REMEMBERED_WORDS)]
    more = [word(REMEMBERED_WORDS + i) for i in range(REMEMBERED_WORDS)]
    full = _memory_of(fills)
    assert full > REMEMBERED_WORDS * sys.getsizeof(fills[0])  # it was a fair trial
    assert full < 10e6
    assert _memory_of([*fills, *more]) < 1.1 * full


def test_long_words_are_not_remembered() -> None:
    questions = [f"{i}" + "x" * REMEMBERED_CHARACTERS for i in range(1000)]
    questions += ["y" * 1_000_000, "z " * 500_000]
    assert _memory_of(questions) < 50_000
