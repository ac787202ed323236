"""What a threshold of "none of these" costs and brings."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEPS = 101
# From here on a question is more likely to have no answer than one, with as many of either kind.
_EVEN = 0.5
# Of the questions that are answered right so many may be refused; see `default_threshold`.
_SPOILT = 0.1


@dataclass(frozen=True)
class TradeOff:
    """For each threshold of P(none): what happens to questions of either kind.

    Attributes:
        thresholds: from 0 to 1, shape (steps,).
        refused: share of the questions without an original whose P(none) reaches the threshold.
        kept: share of the questions with an original that are answered, P(none) below it.
        accuracy: share of the questions that were answered, of either kind, whose first match is
            right; 1 where none was answered.
    """

    thresholds: NDArray[np.float64]
    refused: NDArray[np.float64]
    kept: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def best(self) -> int:
        """The threshold where refused and kept add up to most (Youden's J); of equals the lowest.

        It weighs both kinds of questions alike, however many there are of each.
        """
        return int(np.argmax(self.refused + self.kept))


@dataclass(frozen=True)
class AtThreshold:
    """What one threshold of P(none) does.

    Attributes:
        refused: share of the questions with an original that are refused; None where there are
            none.
        refused_right: the same of those whose first match is right.
        let_through: share of the questions without an original that are answered; None where there
            are none.
    """

    refused: float | None
    refused_right: float | None
    let_through: float | None


def at_threshold(
    threshold: float,
    none_if_answered: NDArray[np.float64],
    right: NDArray[np.bool_],
    none_if_unanswered: NDArray[np.float64],
) -> AtThreshold:
    """What a threshold does to questions of both kinds; arguments as of `no_match_trade_off`."""
    return AtThreshold(
        refused=_share(none_if_answered >= threshold),
        refused_right=_share(none_if_answered[right] >= threshold),
        let_through=_share(none_if_unanswered < threshold),
    )


def default_threshold(none_if_right: NDArray[np.float64]) -> float:
    """The lowest threshold from 0.5 on that refuses a tenth at most of what is answered right.

    To refuse a question whose first match is right is a loss, to refuse another is none. At 0.5 a
    third of BANKING77's questions that have an answer were refused with 16 duplicates, a quarter of
    those that were answered right; the model is less sure of questions than it is right.

    Args:
        none_if_right: P(none) of held-out questions whose first match is right, shape (questions,).
    """
    spoilt = int(_SPOILT * len(none_if_right))
    if len(none_if_right) == 0:
        return _EVEN
    last_kept = float(np.sort(none_if_right)[len(none_if_right) - 1 - spoilt])
    above = (math.floor(last_kept * 100) + 1) / 100
    return min(1.0, max(_EVEN, above))


def _share(which: NDArray[np.bool_]) -> float | None:
    return float(which.mean()) if len(which) else None


def no_match_trade_off(
    none_if_answered: NDArray[np.float64],
    right: NDArray[np.bool_],
    none_if_unanswered: NDArray[np.float64],
) -> TradeOff:
    """The trade-off on questions of both kinds.

    Args:
        none_if_answered: P(none) of questions with an original, shape (answered,).
        right: whether the first match of each is right, shape (answered,).
        none_if_unanswered: P(none) of questions without an original, shape (unanswered,).

    Raises:
        ValueError: one of the two kinds is missing.
    """
    if not len(none_if_answered) or not len(none_if_unanswered):
        raise ValueError("the no-match trade-off needs questions of both kinds")
    thresholds = np.linspace(0, 1, _STEPS)
    kept = none_if_answered < thresholds[:, None]
    let_through = none_if_unanswered < thresholds[:, None]
    answered = kept.sum(axis=1) + let_through.sum(axis=1)
    accuracy = np.ones(_STEPS)
    np.divide((kept & right).sum(axis=1), answered, out=accuracy, where=answered > 0)
    return TradeOff(thresholds, 1 - let_through.mean(axis=1), kept.mean(axis=1), accuracy)
