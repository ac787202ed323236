"""The probability that no original answers a question."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NoneOfThese:
    """Logistic model of "none of these" over the best logit and its lead over the second best.

    A question without an answer has a low best logit, or many that are alike. On BANKING77 with
    every fourth intent taken out, the lead beside the logit raises the AUROC from .878 to .887.

    Attributes:
        intercept, top, lead: P(none) = expit(intercept - top · best - lead · (best - second)).
        threshold: from this probability on a question counts as unanswered.
    """

    intercept: float
    top: float
    lead: float
    threshold: float = 0.5

    def probability(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(none), shape (questions,), from logits of shape (questions, originals)."""
        best, lead = best_and_lead(logits)
        logit = self.intercept - self.top * best - self.lead * lead
        return np.exp(-np.logaddexp(0.0, -logit))

    def probability_of_one(self, best: float, lead: float) -> float:
        """The same of one question, from its best logit and the lead of this over the second."""
        logit = self.intercept - self.top * best - self.lead * lead
        return math.exp(min(0.0, logit) - math.log1p(math.exp(-abs(logit))))


def best_and_lead(logits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best logit of each row and its lead over the second best (0 where there is no second)."""
    if logits.shape[1] == 1:
        return logits[:, 0], np.zeros(len(logits))
    two = np.partition(logits, -2, axis=1)[:, -2:]
    return two[:, 1], two[:, 1] - two[:, 0]
