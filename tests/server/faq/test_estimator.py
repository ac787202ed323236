"""FaqMatcher is a scikit-learn estimator like any other, and does what it says."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from scoring_server.faq.training.estimator import FaqMatcher
from tests.server.faq.conftest import TINY

TEXTS = [text for original, duplicates in TINY.items() for text in (original, *duplicates)]
LABELS = [name for name, duplicates in TINY.items() for _ in range(1 + len(duplicates))]


def test_finds_the_original_of_a_new_wording() -> None:
    matcher = FaqMatcher().fit(TEXTS, LABELS)
    asked = ["what does one ticket cost? the price", "opening hour", "give me the money back"]
    assert list(matcher.predict(asked)) == ["price of a ticket", "opening hours", "refund"]


def test_probabilities_add_up_to_one_and_follow_the_classes() -> None:
    matcher = FaqMatcher().fit(TEXTS, LABELS)
    assert list(matcher.classes_) == sorted(TINY)
    probabilities = matcher.predict_proba(["refund", "", "qqq"])
    assert probabilities.shape == (3, len(TINY))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert matcher.classes_[probabilities[0].argmax()] == "refund"


def test_ranks_best_first_and_equals_in_the_order_of_the_classes() -> None:
    matcher = FaqMatcher().fit(TEXTS, LABELS)
    known, unknown = matcher.rank(["refund", ""])
    assert known[0][0] == "refund"
    assert [p for _, p in known] == sorted((p for _, p in known), reverse=True)
    assert [label for label, _ in unknown] == sorted(TINY)
    assert [len(ranked) for ranked in matcher.rank(["refund", ""], top=2)] == [2, 2]


def test_a_question_about_something_else_is_more_likely_none(shipped_matcher: FaqMatcher) -> None:
    own, other = shipped_matcher.none_proba(
        ["How do I loop over an array?", "When does the bakery in Oslo close?"]
    )
    assert own < 0.3 < 0.6 < other


def test_training_twice_gives_the_same_numbers() -> None:
    first, second = (FaqMatcher(random_state=3).fit(TEXTS, LABELS) for _ in range(2))
    assert first.weights_ == second.weights_
    assert first.none_ == second.none_
    np.testing.assert_array_equal(first.decision_function(TEXTS), second.decision_function(TEXTS))


def test_the_order_of_the_texts_within_an_original_changes_no_score() -> None:
    forward = FaqMatcher().fit(TEXTS, LABELS).scorer_
    backward = FaqMatcher().fit(TEXTS[::-1], LABELS[::-1]).scorer_
    assert forward.coefficients is not None
    assert backward.coefficients is not None
    np.testing.assert_allclose(forward.coefficients, backward.coefficients, atol=1e-9)


def test_clone_keeps_the_parameters_and_forgets_the_fit() -> None:
    matcher = FaqMatcher(char_weight=1.5, folds=3).fit(TEXTS, LABELS)
    copy = clone(matcher)
    assert copy.get_params() == matcher.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(["refund"])


def test_works_in_a_pipeline_and_a_grid_search() -> None:
    pipeline = make_pipeline(
        FunctionTransformer(lambda texts: [t + "?" for t in texts]), FaqMatcher()
    )
    search = GridSearchCV(pipeline, {"faqmatcher__char_weight": [1.0, 1.3]}, cv=2)
    search.fit(TEXTS, LABELS)
    assert search.predict(["refund"]) == ["refund"]
    assert cross_val_score(FaqMatcher(), TEXTS, LABELS, cv=2).shape == (2,)


def test_originals_are_never_held_out() -> None:
    is_original = np.array([text in TINY for text in TEXTS])
    matcher = FaqMatcher().fit(TEXTS, LABELS, is_original=is_original)
    assert len(matcher.held_out_.truth) == len(TEXTS) - len(TINY)


def test_reports_its_steps() -> None:
    seen: list[tuple[int, int, str]] = []
    FaqMatcher(progress=lambda *step: seen.append(step)).fit(TEXTS, LABELS)
    assert [done for done, _, _ in seen] == list(range(seen[0][1]))
    assert seen[-1][2] == "training with everything"


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["only one"], [0]),
        (["one", "one again"], [0, 0]),
        (["one", "two"], [0, 1]),
        (["", "?", "."], [0, 1, 2]),
        (["same", "same"], ["a", "b"]),
        (["x" * 1_000_000, "y"], [0, 1]),
        (["a", "b", "a a"], [0, 1, 0]),
    ],
    ids=["one-text", "one-original", "no-duplicates", "no-ngrams", "alike", "megabyte", "letters"],
)
@pytest.mark.parametrize("ridge_rows", [3000, 0], ids=["ridge", "svc"])
def test_the_smallest_faqs_train_and_give_finite_probabilities(
    texts: list[str], labels: list[Any], ridge_rows: int
) -> None:
    matcher = FaqMatcher(ridge_rows=ridge_rows).fit(texts, labels)
    probabilities = matcher.predict_proba([*texts, "zzz", ""])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert ((matcher.none_proba([*texts, ""]) > 0) & (matcher.none_proba([*texts, ""]) < 1)).all()


def test_duplicates_that_have_nothing_in_common_still_leave_a_ranking() -> None:
    words = [a + b + c for a in "bdfgklm" for b in "aeiou" for c in ("ck", "rn", "st", "x")]
    matcher = FaqMatcher().fit(words, [i % 20 for i in range(len(words))])
    assert list(matcher.predict(words)) == [i % 20 for i in range(len(words))]


def test_without_a_linear_score_the_cosine_ranks_alone() -> None:
    matcher = FaqMatcher(max_linear_originals=2).fit(TEXTS, LABELS)
    assert matcher.scorer_.coefficients is None
    assert list(matcher.predict(list(TINY))) == list(TINY)


def test_a_large_matrix_is_filled_for_many_texts_of_each_original_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert FaqMatcher().fit(TEXTS, LABELS).linear_
    monkeypatch.setattr("scoring_server.faq.training.estimator._SMALL_MATRIX", 0)
    few = FaqMatcher().fit(TEXTS, LABELS)
    assert not few.linear_
    assert few.scorer_.coefficients is None
    assert list(few.predict(list(TINY))) == list(TINY)
    assert FaqMatcher().fit(TEXTS * 2, LABELS * 2).linear_


@pytest.mark.parametrize(
    ("texts", "labels", "is_original", "message"),
    [
        ([], [], None, "at least 1"),
        (["a"], [0, 1], None, "1 texts and 2 labels"),
        ([b"a"], [0], None, "text 0 is a bytes"),
        (["a", None], [0, 1], None, "text 1 is a NoneType"),
        (["a", "b"], [0, 1], [True], "is_original has shape"),
        (["a", "b"], [0, 1], [True, False], "a text of every label"),
    ],
)
def test_wrong_input_is_told(texts: Any, labels: Any, is_original: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FaqMatcher().fit(texts, labels, is_original=is_original)
