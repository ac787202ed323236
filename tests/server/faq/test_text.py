"""The hand-written n-grams are those of scikit-learn, whatever the text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from scoring_server.faq.text import (
    MAX_CHARACTERS,
    WORD_PATTERN,
    char_ngrams,
    normalise,
    word_ngrams,
)

# All of Unicode, lone surrogates too, with the characters that tokenisers trip over more often.
ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from(" \t\n\r\x0b\x0c\x1c\x85\u00a0\u200b\u2028\u3000_-'\"ßİıſﬁ़́ー"),
        st.sampled_from("abAB12"),
    )
)
SIZES = st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda s: (s[0], s[0] + s[1]))


@given(ANY_TEXT, SIZES)
@example("", (1, 2))
@example(" ", (2, 4))
@example("a b c dd", (1, 2))
@example("one word_with_underscore", (2, 3))
def test_word_ngrams_are_those_of_scikit_learn(text: str, sizes: tuple[int, int]) -> None:
    analyse = CountVectorizer(
        preprocessor=normalise, token_pattern=WORD_PATTERN, ngram_range=sizes
    ).build_analyzer()
    assert sorted(word_ngrams(normalise(text), *sizes)) == sorted(analyse(text))


@given(ANY_TEXT, SIZES)
@example("", (2, 4))
@example("a", (2, 4))
@example("ab", (4, 4))
@example("x\u2028y\x1cz\x85w", (2, 4))
def test_char_ngrams_are_those_of_scikit_learn(text: str, sizes: tuple[int, int]) -> None:
    analyse = CountVectorizer(
        preprocessor=normalise, analyzer="char_wb", ngram_range=sizes
    ).build_analyzer()
    assert sorted(char_ngrams(normalise(text), *sizes)) == sorted(analyse(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ﬁle", "file"),
        ("\uff21\uff22\uff23\uff11", "abc1"),
        ("cafe\u0301", "CAFÉ"),
    ],
)
def test_spellings_of_the_same_text_become_one(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@given(ANY_TEXT)
def test_normalised_text_is_bounded(text: str) -> None:
    assert len(normalise(text * 50)) <= MAX_CHARACTERS


def test_a_megabyte_costs_no_more_than_its_beginning() -> None:
    assert len(normalise("\ufdfa" * 1_000_000)) == MAX_CHARACTERS
    assert normalise("ab " * 1_000_000) == ("ab " * 5_000)[:MAX_CHARACTERS]
