"""From scores to probabilities: the weights of the scores and the "none of these" model.

Both are fitted on questions that the scorer has not seen. Both have a weak prior, worth one
question, at values that were found on BANKING77 and COVID-Q: it decides where a FAQ has hardly any
duplicates, and keeps the weights finite where every held-out question is answered right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from scoring_server.faq.none_of_these import NoneOfThese, best_and_lead
from scoring_server.faq.training.scorer import Scores


@dataclass(frozen=True)
class _Prior:
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def penalty(self, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = (x - self.mean) / self.deviation
        return float(z @ z) / 2, z / self.deviation


# Where the held-out duplicates cannot be told apart at all both weights would become 0 and nothing
# would be ranked any more; the cosine still finds what is asked in the original's own words.
_LEAST_COSINE = 1.0

_WEIGHTS_PRIOR = _Prior(np.array([3.0, 20.0]), np.array([5.0, 10.0]))
# With the meaning as a third score.
_WEIGHTS_PRIOR_3 = _Prior(np.array([3.0, 20.0, 8.0]), np.array([5.0, 10.0, 10.0]))
_NONE_PRIOR = _Prior(np.array([2.5, 0.5, 0.5]), np.array([3.0, 0.5, 0.5]))


@dataclass(frozen=True)
class Weights:
    """logit = linear · linear score + cosine · cosine score + meaning · cosine of the meaning."""

    linear: float
    cosine: float
    meaning: float = 0.0

    def logits(self, scores: Scores) -> NDArray[np.float64]:
        """Logits, shape (questions, originals)."""
        logits = self.linear * scores.linear + self.cosine * scores.cosine
        return logits if scores.meaning is None else logits + self.meaning * scores.meaning


def fit_weights(scores: Scores, truth: NDArray[np.intp]) -> Weights:
    """Weights that make softmax(logits) most likely.

    Args:
        scores: of held-out questions, shapes (questions, originals).
        truth: the original of each, shape (questions,); there may be none.
    """
    rows = np.arange(len(truth))
    parts = [scores.linear, scores.cosine]
    prior, least = _WEIGHTS_PRIOR, [0.0, _LEAST_COSINE]
    if scores.meaning is not None:
        parts.append(scores.meaning)
        prior, least = _WEIGHTS_PRIOR_3, [*least, 0.0]

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        penalty, slope = prior.penalty(w)
        log_p = log_softmax(Weights(*w).logits(scores), axis=1)
        error = np.exp(log_p)
        error[rows, truth] -= 1
        gradient = np.array([np.sum(error * part) for part in parts])
        return penalty - float(log_p[rows, truth].sum()), slope + gradient

    return Weights(*(float(weight) for weight in _minimise(loss, prior.mean, least)))


def fit_none(
    answered: Sequence[NDArray[np.float64]], unanswered: Sequence[NDArray[np.float64]]
) -> NoneOfThese:
    """The "none of these" model for questions that have an answer or none equally often.

    Args:
        answered: logits of held-out questions, each of shape (questions, originals).
        unanswered: logits of questions whose original was left out of training, likewise; the
            number of originals may differ.
    """
    parts = [np.stack(best_and_lead(logits)) for logits in (*answered, *unanswered)]
    features = np.hstack([np.zeros((2, 0)), *parts])
    sizes = [sum(map(len, answered)), sum(map(len, unanswered))]
    is_none = np.repeat([0.0, 1.0], sizes)
    # Both kinds weigh the same, whatever their numbers.
    weight = np.repeat([sum(sizes) / 2 / max(size, 1) for size in sizes], sizes)

    def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        penalty, slope = _NONE_PRIOR.penalty(x)
        logit = x[0] - x[1] * features[0] - x[2] * features[1]
        value = float(np.sum(weight * (np.logaddexp(0, logit) - is_none * logit)))
        error = weight * (expit(logit) - is_none)
        gradient = np.array([error.sum(), -error @ features[0], -error @ features[1]])
        return penalty + value, slope + gradient

    fitted = _minimise(loss, _NONE_PRIOR.mean, least=(None, 0.0, 0.0))
    return NoneOfThese(*(float(x) for x in fitted))


def _minimise(
    loss: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    start: NDArray[np.float64],
    least: Sequence[float | None],
) -> NDArray[np.float64]:
    """Minimise a loss that also gives its gradient; each value stays at its least or above."""
    bounds = [(smallest, None) for smallest in least]
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(result.x, dtype=np.float64)
