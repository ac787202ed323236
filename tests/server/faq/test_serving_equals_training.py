"""The serving form gives what the trained estimator gives."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from scoring_server.faq.serving import FaqRanker
from scoring_server.faq.training.estimator import FaqMatcher
from tests.server.faq.conftest import TINY
from tests.server.faq.test_text import ANY_TEXT

# float32 weights against float64: logits are below 50.
TOLERANCE = 1e-4

# Pieces of the training texts beside any text, so that most questions have known n-grams.
PIECES = [piece for text in sum(TINY.values(), list(TINY)) for piece in text.split()]
QUESTIONS = st.lists(st.one_of(ANY_TEXT, st.sampled_from(PIECES)), max_size=8).map(" ".join)


def check(matcher: FaqMatcher, ranker: FaqRanker, questions: list[str]) -> None:
    np.testing.assert_allclose(
        ranker.logits(questions), matcher.decision_function(questions), atol=TOLERANCE
    )
    rankings = ranker.rank(questions)
    for question, ranking, expected, none in zip(
        questions,
        rankings,
        matcher.predict_proba(questions),
        matcher.none_proba(questions),
        strict=True,
    ):
        got = {match.original_id: match.probability for match in ranking.matches}
        np.testing.assert_allclose(
            [got[i] for i in range(len(expected))], expected, atol=TOLERANCE, err_msg=question
        )
        assert abs(ranking.none_probability - none) < TOLERANCE


@given(st.lists(QUESTIONS, min_size=1, max_size=4))
@example([""])
@example(["", "a", "", " "])
@example(["\ud800"])
@example(["open sunday " * 3000])
def test_for_any_questions(
    tiny_matcher: FaqMatcher, tiny_ranker: FaqRanker, questions: list[str]
) -> None:
    check(tiny_matcher, tiny_ranker, questions)


def test_for_the_shipped_faq(shipped_matcher: FaqMatcher, shipped_ranker: FaqRanker) -> None:
    questions = ["how do i loop", "== or ===?", "weather in Oslo", "", "x" * 20_000]
    np.testing.assert_allclose(
        shipped_ranker.logits(questions), shipped_matcher.decision_function(questions), atol=1e-4
    )


def test_with_the_linear_svc_and_dropped_ngrams(tiny_matcher: FaqMatcher) -> None:
    from scoring_server.faq.model import Originals
    from scoring_server.faq.training.export import serving_form

    texts = [text for original, duplicates in TINY.items() for text in (original, *duplicates)]
    labels = [i for i, duplicates in enumerate(TINY.values()) for _ in range(1 + len(duplicates))]
    matcher = FaqMatcher(ridge_rows=1, min_texts=2).fit(texts * 2 + ["a ticket"], [*labels * 2, 1])
    originals = Originals([0, 1, 2, 3], ["a", "b", "c", "d"], list(TINY))
    ranker = FaqRanker(serving_form(matcher, originals), {})
    check(matcher, ranker, ["money back", "c++ open ticket", "новый билет", ""])
