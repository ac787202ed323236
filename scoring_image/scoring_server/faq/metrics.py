"""How good a ranking is: accuracy, reciprocal rank, calibration, and telling what has no answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BINS = 15


@dataclass(frozen=True)
class RankingMetrics:
    """Measured on questions whose original is known.

    Attributes:
        questions: how many.
        accuracy: share whose original is first, among the first two, among the first three.
        mrr: mean reciprocal rank of the original, from 0 to 1.
        mean_rank: mean rank of the original, from 1.
        ece: expected calibration error of the first match's probability, in 15 bins of equal width
            (Guo et al. 2017).
    """

    questions: int
    accuracy: tuple[float, float, float]
    mrr: float
    mean_rank: float
    ece: float


def ranking_metrics(ranks: NDArray[np.intp], confidence: NDArray[np.float64]) -> RankingMetrics:
    """Metrics of at least one question.

    Args:
        ranks: rank of the right original, from 1, shape (questions,).
        confidence: probability of the first match, shape (questions,).
    """
    return RankingMetrics(
        questions=len(ranks),
        accuracy=(
            float(np.mean(ranks <= 1)),
            float(np.mean(ranks <= 2)),
            float(np.mean(ranks <= 3)),
        ),
        mrr=float(np.mean(1 / ranks)),
        mean_rank=float(np.mean(ranks)),
        ece=expected_calibration_error(confidence, ranks == 1),
    )


def ranks_of(scores: NDArray[np.float64], truth: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rank, from 1, of each row's true column; of equal scores the left one comes first.

    Args:
        scores: shape (questions, originals).
        truth: column of the right original, shape (questions,).
    """
    own = scores[np.arange(len(truth)), truth][:, None]
    left = np.arange(scores.shape[1]) < truth[:, None]
    return np.asarray(1 + np.sum((scores > own) | ((scores == own) & left), axis=1))


@dataclass(frozen=True)
class Reliability:
    """How often the first match was right, by its probability, in 15 bins of equal width.

    Attributes:
        size: questions in each bin, shape (bins,).
        confidence: mean probability of the first match, 0 where the bin is empty, shape (bins,).
        accuracy: share that was right, 0 where the bin is empty, shape (bins,).
    """

    size: NDArray[np.intp]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> Reliability:
    """Confidence against accuracy (Guo et al. 2017), both of shape (questions,)."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    size = np.bincount(bins, minlength=_BINS)
    divisor = np.maximum(size, 1)
    return Reliability(
        size,
        np.bincount(bins, weights=confidence, minlength=_BINS) / divisor,
        np.bincount(bins, weights=correct, minlength=_BINS) / divisor,
    )


def expected_calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_]
) -> float:
    """Mean distance between confidence and accuracy over bins of equal width, weighted by size."""
    measured = reliability(confidence, correct)
    distance = np.abs(measured.confidence - measured.accuracy)
    return float(distance @ measured.size / measured.size.sum())


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Probability that a positive scores higher than a negative, equal scores counting half.

    Raises:
        ValueError: one of the two is empty.
    """
    if not len(positive) or not len(negative):
        raise ValueError("the area under the ROC curve needs positives and negatives")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    up_to = np.searchsorted(ordered, positive, side="right")
    return float((below + up_to).sum() / 2 / len(positive) / len(negative))
