"""What a threshold of "none of these" costs and brings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEPS = 101


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
