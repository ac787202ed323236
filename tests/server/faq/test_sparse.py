"""The sparse form for many originals ranks like the dense one; a damaged one is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError
from scoring_server.faq.model import FaqModel, Originals
from scoring_server.faq.model_files import write_model
from scoring_server.faq.serving import FaqRanker, load
from scoring_server.faq.training.estimator import FaqMatcher
from scoring_server.faq.training.export import serving_form
from scoring_server.faq.weights import DenseMatrix, SparseMatrix, matrix_from_arrays

COUNT = 1_200
WORDS = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("ck", "rn", "st", "x")]
QUESTIONS = ["back bark", "dest fix gorn", "", "zzzz", "lust " * 50, "back"]
Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Originals of five words and a duplicate of each that keeps four of them."""
    rng = np.random.default_rng(0)
    originals = [" ".join(rng.choice(WORDS, 5, replace=False)) for _ in range(COUNT)]
    return [*originals, *(" ".join(rng.permutation(text.split())[:4]) for text in originals)]


@pytest.fixture(scope="module")
def matcher(texts: list[str]) -> FaqMatcher:
    """Fitted on more originals than the linear score is for."""
    return FaqMatcher().fit(texts, [*range(COUNT), *range(COUNT)])


def form(matcher: FaqMatcher, texts: list[str], max_dense: int) -> FaqModel:
    originals = Originals(list(range(COUNT)), list(range(COUNT)), texts[:COUNT])
    return serving_form(matcher, originals, max_dense=max_dense)


@pytest.fixture(scope="module")
def sparse(matcher: FaqMatcher, texts: list[str]) -> FaqModel:
    """The serving form in a sparse matrix."""
    return form(matcher, texts, max_dense=0)


def test_many_originals_have_no_linear_score(matcher: FaqMatcher) -> None:
    assert matcher.scorer_.coefficients is None


def test_sparse_ranks_like_dense_and_like_training(
    matcher: FaqMatcher, texts: list[str], sparse: FaqModel
) -> None:
    dense = form(matcher, texts, max_dense=10**9)
    assert isinstance(sparse.weights, SparseMatrix)
    assert isinstance(dense.weights, DenseMatrix)
    assert sparse.weights.shape == dense.weights.shape
    questions = [*QUESTIONS, *texts[COUNT : COUNT + 50]]
    logits = FaqRanker(sparse, {}).logits(questions)
    np.testing.assert_allclose(logits, FaqRanker(dense, {}).logits(questions), atol=1e-4)
    np.testing.assert_allclose(logits, matcher.decision_function(questions), atol=1e-4)
    for original in (0, 7, COUNT - 1):
        np.testing.assert_allclose(
            sparse.weights.column(original), dense.weights.column(original), atol=1e-6
        )


def test_common_ngrams_are_stored_whole_and_rare_ones_by_entry(sparse: FaqModel) -> None:
    matrix = sparse.weights
    assert isinstance(matrix, SparseMatrix)
    assert 0 < len(matrix.common_rows) < matrix.shape[0] / 10
    sizes = np.diff(matrix.starts)
    assert not sizes[matrix.common_rows].any()
    assert sizes.max() <= COUNT / 8 < (matrix.common != 0).sum(axis=1).min()


def test_a_matrix_without_common_rows_gives_the_same_logits(sparse: FaqModel) -> None:
    matrix = sparse.weights
    dense = np.stack([matrix.column(original) for original in range(COUNT)], axis=1)
    rows, columns = np.nonzero(dense)
    plain = SparseMatrix(
        np.searchsorted(rows, np.arange(len(dense) + 1)).astype(np.int64),
        columns.astype(np.uint16),
        dense[rows, columns],
        np.zeros(0, np.int64),
        np.zeros((0, COUNT), np.float32),
    )
    expected = FaqRanker(sparse, {}).logits(QUESTIONS)
    logits = FaqRanker(replace(sparse, weights=plain), {}).logits(QUESTIONS)
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_most_originals_are_found_by_four_of_their_five_words(
    texts: list[str], sparse: FaqModel
) -> None:
    rankings = FaqRanker(sparse, {}).rank(texts[COUNT:], top=1)
    found = [ranking.matches[0].original_id == i for i, ranking in enumerate(rankings)]
    assert np.mean(found) > 0.95


def test_a_question_is_answered_alike_alone_and_in_any_company(sparse: FaqModel) -> None:
    ranker = FaqRanker(sparse, {})
    assert ranker.rank(QUESTIONS, top=3) == [ranker.rank([q], top=3)[0] for q in QUESTIONS]


def test_it_is_written_and_loaded(tmp_path: Path, sparse: FaqModel) -> None:
    write_model(tmp_path / "m", sparse, name="m", created_by={}, metrics={})
    loaded = load(tmp_path / "m")
    assert loaded.info["originals"] == COUNT
    assert loaded.rank(QUESTIONS, top=5) == FaqRanker(sparse, {}).rank(QUESTIONS, top=5)


def replaced(
    name: str, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {**arrays, name: change(arrays[name].copy())}


def with_item(index: int | tuple[int, int], value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        array[index] = value
        return array

    return change


DAMAGES: dict[str, Callable[[Arrays], Arrays]] = {
    "no starts": lambda arrays: {k: v for k, v in arrays.items() if k != "starts"},
    "no values": lambda arrays: {k: v for k, v in arrays.items() if k != "values"},
    "too few starts": replaced("starts", lambda array: array[1:]),
    "starts not from 0": replaced("starts", with_item(0, 1)),
    "starts that descend": replaced("starts", with_item(5, 10**6)),
    "starts beyond the end": replaced("starts", with_item(-1, 10**9)),
    "a negative end": replaced("starts", with_item(-1, -1)),
    "a negative column": replaced(
        "columns", lambda array: with_item(3, -1)(array.astype(np.int32))
    ),
    "a column beyond the originals": replaced("columns", with_item(3, COUNT)),
    "columns of another type": replaced("columns", lambda array: array.astype(np.int64)),
    "values not finite": replaced("values", with_item(3, np.nan)),
    "no common rows": lambda arrays: {k: v for k, v in arrays.items() if k != "common_rows"},
    "no common": lambda arrays: {k: v for k, v in arrays.items() if k != "common"},
    "a common row below the features": replaced("common_rows", with_item(0, -1)),
    "a common row beyond the features": replaced("common_rows", with_item(-1, 10**9)),
    "common rows that descend": replaced("common_rows", lambda array: array[::-1].copy()),
    "fewer common rows than numbers": replaced("common_rows", lambda array: array[1:]),
    "common not finite": replaced("common", with_item((0, 0), np.inf)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_sparse_matrix_that_is_not_whole_is_refused(sparse: FaqModel, damage: str) -> None:
    arrays = DAMAGES[damage](sparse.weights.arrays())
    with pytest.raises(ModelLoadError, match=r"^weights\.npz: .*train the model again$"):
        matrix_from_arrays(arrays, sparse.weights.shape, "weights.npz")


def test_more_originals_than_16_bits_can_number_have_wider_columns() -> None:
    for originals, dtype in ((2**16, np.uint16), (2**16 + 1, np.int32)):
        last = originals - 1
        starts, columns = np.array([0, 1, 1], np.int64), np.array([last])
        matrix = SparseMatrix.of_entries(starts, columns, np.ones(1, np.float32), originals)
        assert matrix.columns.dtype == dtype
        read = matrix_from_arrays(matrix.arrays(), (2, originals), "weights.npz")
        assert read.column(last).tolist() == [1, 0]
