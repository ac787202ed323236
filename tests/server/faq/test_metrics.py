"""The metrics agree with figures worked out by hand and with scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from scoring_server.faq.metrics import (
    auroc,
    expected_calibration_error,
    ranking_metrics,
    ranks_of,
    reliability,
)
from scoring_server.faq.trade_off import at_threshold, default_threshold, no_match_trade_off


def test_ranks_count_what_is_better_and_what_is_equal_and_further_left() -> None:
    scores = np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    assert list(ranks_of(scores, np.array([0, 1, 0, 2]))) == [1, 3, 1, 3]


def test_accuracy_and_reciprocal_rank() -> None:
    metrics = ranking_metrics(np.array([1, 2, 3, 4]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert metrics.accuracy == (0.25, 0.5, 0.75)
    assert metrics.mrr == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert metrics.mean_rank == 2.5
    assert metrics.ece == pytest.approx(0.75)


def test_calibration_error_of_the_calibrated_is_zero() -> None:
    confidence = np.array([0.25] * 4 + [1.0] * 3)
    correct = np.array([True, False, False, False, True, True, True])
    assert expected_calibration_error(confidence, correct) == 0


def test_calibration_error_weighs_bins_by_size() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.1])
    correct = np.array([True, False, False, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx((1.7 + 0.1) / 4)


SCORES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30).map(np.array)


@given(SCORES, SCORES)
def test_auroc_is_that_of_scikit_learn(positive: np.ndarray, negative: np.ndarray) -> None:
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    expected = roc_auc_score(truth, np.concatenate([positive, negative]))
    assert auroc(positive, negative) == pytest.approx(expected)


def test_auroc_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="positives and negatives"):
        auroc(np.array([]), np.array([1.0]))


def test_the_trade_off_counts_both_kinds_of_questions() -> None:
    trade_off = no_match_trade_off(
        np.array([0.1, 0.2, 0.8]), np.array([True, False, True]), np.array([0.5, 0.9])
    )
    at = {round(t, 2): i for i, t in enumerate(trade_off.thresholds.tolist())}
    assert trade_off.kept[at[0.0]] == 0.0
    assert trade_off.refused[at[0.0]] == 1.0
    assert trade_off.accuracy[at[0.0]] == 1.0
    assert trade_off.kept[at[0.3]] == pytest.approx(2 / 3)
    assert trade_off.refused[at[0.3]] == 1.0
    assert trade_off.accuracy[at[0.3]] == 0.5
    assert trade_off.kept[at[1.0]] == 1.0
    assert trade_off.refused[at[1.0]] == 0.0
    assert trade_off.accuracy[at[1.0]] == pytest.approx(2 / 5)
    assert 0.2 < trade_off.thresholds[trade_off.best] <= 0.5


def test_the_trade_off_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="needs questions of both kinds"):
        no_match_trade_off(np.array([0.5]), np.array([True]), np.zeros(0))


def test_a_threshold_is_told_by_what_it_refuses_and_lets_through() -> None:
    none, right = np.array([0.1, 0.2, 0.8, 0.5]), np.array([True, False, True, True])
    at = at_threshold(0.5, none, right, np.array([0.5, 0.4, 0.9, 0.3]))
    assert at.refused == 0.5
    assert at.refused_right == pytest.approx(2 / 3)
    assert at.let_through == 0.5


def test_a_threshold_says_nothing_of_questions_that_are_not_there() -> None:
    at = at_threshold(0.5, np.zeros(0), np.zeros(0, np.bool_), np.zeros(0))
    assert (at.refused, at.refused_right, at.let_through) == (None, None, None)


def test_the_default_threshold_refuses_a_tenth_of_what_is_answered_right() -> None:
    none = np.linspace(0.4, 0.899, 100)
    threshold = default_threshold(none)
    assert np.mean(none >= threshold) <= 0.1
    assert np.mean(none >= threshold - 0.01) > 0.1


@pytest.mark.parametrize(
    ("none_if_right", "threshold"),
    [
        ([], 0.5),  # nothing is known
        ([0.01] * 50, 0.5),  # the model is sure where it is right: 0.5 costs nothing
        ([0.7], 0.71),
        ([0.7] * 20, 0.71),  # all or none
        ([0.999] * 20, 1.0),
        ([1.0] * 20, 1.0),
    ],
)
def test_the_default_threshold_at_the_edges(none_if_right: list[float], threshold: float) -> None:
    assert default_threshold(np.array(none_if_right)) == threshold


def test_reliability_counts_each_question_in_its_bin() -> None:
    measured = reliability(np.array([0.01, 0.99, 1.0]), np.array([False, True, False]))
    assert measured.size.tolist() == [1] + [0] * 13 + [2]
    assert measured.accuracy[-1] == 0.5
    assert measured.confidence[-1] == pytest.approx(0.995)
