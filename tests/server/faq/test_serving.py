"""Ranking: order, limits, batches, ids."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scoring_server.faq.model import FaqModel, NgramBlock, Originals
from scoring_server.faq.none_of_these import NoneOfThese
from scoring_server.faq.serving import FaqRanker, Match, load
from scoring_server.faq.weights import DenseMatrix

QUESTIONS = [
    "How do I loop over an array?",
    "",
    "=== vs ==",
    "wheather in oslo",
    "🙂",
    "a" * 100_000,
]


def ranker_of(columns: dict[str, list[float]], ids: list[int | str] | None = None) -> FaqRanker:
    """A model whose features are the given words and whose weights are the given rows."""
    words = NgramBlock((1, 1), list(columns), np.ones(len(columns) + 1), 1.0)
    chars = NgramBlock((9, 9), [], np.ones(1), 1.0)
    rows = np.array([*columns.values(), [0.0] * len(next(iter(columns.values())))], np.float32)
    count = rows.shape[1]
    originals = Originals(
        ids or list(range(count)),
        [f"a{i}" for i in range(count)],
        [f"text {i}" for i in range(count)],
    )
    return FaqRanker(
        FaqModel(words, chars, DenseMatrix(rows), NoneOfThese(1.0, 1.0, 1.0), originals), {}
    )


def test_best_first_with_softmax_probabilities() -> None:
    (ranking,) = ranker_of({"cat": [0.0, np.log(3), np.log(2)]}).rank(["cat"])
    assert [match.original_id for match in ranking.matches] == [1, 2, 0]
    assert [match.answer_id for match in ranking.matches] == ["a1", "a2", "a0"]
    np.testing.assert_allclose([m.probability for m in ranking.matches], [3 / 6, 2 / 6, 1 / 6])


def test_equals_stay_in_the_order_of_the_data() -> None:
    ranker = ranker_of({"cat": [1.0, 2.0, 1.0, 2.0, 1.0]}, ["e", "d", "c", "b", "a"])
    for top in (None, 5, 4, 3, 2, 1):
        (ranking,) = ranker.rank(["cat"], top=top)
        assert [m.original_id for m in ranking.matches] == ["d", "b", "e", "c", "a"][:top]


def test_top_gives_the_beginning_of_the_whole_ranking(shipped_ranker: FaqRanker) -> None:
    whole = shipped_ranker.rank(QUESTIONS)
    for top in (1, 2, 5, 91, 92, 93, 10**9):
        for ranking, full in zip(shipped_ranker.rank(QUESTIONS, top=top), whole, strict=True):
            assert ranking.matches == full.matches[:top]
            assert ranking.none_probability == full.none_probability


def test_min_probability_cuts_the_end_of_the_ranking(shipped_ranker: FaqRanker) -> None:
    whole = shipped_ranker.rank(QUESTIONS)
    for least in (1e-9, 0.01, 0.5, 1.0):
        for ranking, full in zip(
            shipped_ranker.rank(QUESTIONS, min_probability=least), whole, strict=True
        ):
            assert ranking.matches == tuple(m for m in full.matches if m.probability >= least)


def test_a_match_of_exactly_the_least_probability_stays() -> None:
    (ranking,) = ranker_of({"cat": [1.0, 1.0]}).rank(["cat"], min_probability=0.5)
    assert len(ranking.matches) == 2


def test_top_and_min_probability_apply_together() -> None:
    ranker = ranker_of({"cat": [5.0, 4.0, 0.0]})
    (ranking,) = ranker.rank(["cat"], top=2, min_probability=0.5)
    assert [m.original_id for m in ranking.matches] == [0]


@pytest.mark.parametrize("top", [0, -1])
def test_a_top_below_one_is_refused(shipped_ranker: FaqRanker, top: int) -> None:
    with pytest.raises(ValueError, match="top must be at least 1"):
        shipped_ranker.rank(["x"], top=top)


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_min_probability_that_is_none_is_refused(shipped_ranker: FaqRanker, least: float) -> None:
    with pytest.raises(ValueError, match="min_probability must be between"):
        shipped_ranker.rank(["x"], min_probability=least)


def test_a_question_is_answered_alike_alone_and_in_any_company(shipped_ranker: FaqRanker) -> None:
    alone = [shipped_ranker.rank([question])[0] for question in QUESTIONS]
    assert shipped_ranker.rank(QUESTIONS) == alone
    assert shipped_ranker.rank(QUESTIONS[::-1]) == alone[::-1]


def test_no_questions_give_no_rankings(shipped_ranker: FaqRanker) -> None:
    assert shipped_ranker.rank([]) == []


def test_probabilities_are_finite_and_add_up_to_one(shipped_ranker: FaqRanker) -> None:
    for ranking in shipped_ranker.rank(QUESTIONS):
        assert sum(match.probability for match in ranking.matches) == pytest.approx(1)
        assert 0 < ranking.none_probability < 1
        assert all(type(match.probability) is float for match in ranking.matches)


def test_huge_logits_do_not_overflow() -> None:
    (ranking,) = ranker_of({"cat": [3e38, -3e38]}).rank(["cat"])
    assert ranking.matches == (Match(0, "a0", 1.0), Match(1, "a1", 0.0))


def test_a_single_original_is_certain_but_may_be_none() -> None:
    (ranking,) = ranker_of({"cat": [2.0]}).rank(["dog"])
    assert ranking.matches == (Match(0, "a0", 1.0),)
    assert ranking.none_probability > 0.5


def test_info_describes_the_model(shipped_directory: Path, shipped_ranker: FaqRanker) -> None:
    info = shipped_ranker.info
    assert info["name"] == "javascript"
    assert info["weights"] == "trained"
    assert info["originals"] == 92
    assert info["features"] > 5_000
    assert info["digest"].startswith("sha256:")
    assert load(shipped_directory).info == info


def test_serving_and_the_command_line_import_no_scikit_learn() -> None:
    code = (
        "import sys, scoring_server.faq.serving, scoring_server.faq.cli\n"
        "print([m for m in ('sklearn', 'scipy', 'threadpoolctl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
