"""Measuring a trained model on questions whose original is known, or known to be missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring_server.faq.data import Questions
from scoring_server.faq.metrics import RankingMetrics, auroc, ranking_metrics, ranks_of
from scoring_server.faq.serving import FaqRanker

# Logits of so many questions at a time: with 100,000 originals they take 50 MB.
_CHUNK = 64


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        ranking: on the questions that have an original; None where there are none.
        unanswered: how many questions have no original.
        none_auroc: how well P(none) tells these from the others; None where one kind is missing.
    """

    ranking: RankingMetrics | None
    unanswered: int
    none_auroc: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain data with camel-case keys; what was not measured is null."""
        ranking = self.ranking
        measured: dict[str, Any] = {"questions": 0 if ranking is None else ranking.questions}
        if ranking is not None:
            for k, accuracy in enumerate(ranking.accuracy, start=1):
                measured[f"accuracyAt{k}"] = accuracy
            measured["meanReciprocalRank"] = ranking.mrr
            measured["meanRank"] = ranking.mean_rank
            measured["expectedCalibrationError"] = ranking.ece
        return {**measured, "unanswered": self.unanswered, "noneAuroc": self.none_auroc}


def evaluate(ranker: FaqRanker, questions: Questions) -> Evaluation:
    """Rank every question and measure."""
    truth = np.array([-1 if o is None else o for o in questions.originals], dtype=np.intp)
    answered = truth >= 0
    ranks = np.zeros(len(truth), dtype=np.intp)
    confidence = np.zeros(len(truth))
    none = np.zeros(len(truth))
    for start in range(0, len(truth), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        logits = ranker.logits(questions.texts[chunk])
        ranks[chunk] = ranks_of(logits, truth[chunk])
        best = logits.max(axis=1, keepdims=True)
        confidence[chunk] = 1 / np.exp(logits - best).sum(axis=1)
        none[chunk] = ranker.none_probability(logits)
    return Evaluation(
        ranking=ranking_metrics(ranks[answered], confidence[answered]) if answered.any() else None,
        unanswered=int(np.sum(~answered)),
        none_auroc=auroc(none[~answered], none[answered])
        if answered.any() and not answered.all()
        else None,
    )
