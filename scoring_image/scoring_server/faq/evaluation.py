"""Measuring a trained model on questions whose original is known, or known to be missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.data import Questions
from scoring_server.faq.metrics import RankingMetrics, auroc, ranking_metrics, ranks_of
from scoring_server.faq.serving import FaqRanker
from scoring_server.faq.trade_off import AtThreshold, TradeOff, at_threshold, no_match_trade_off

# Logits of so many questions at a time: with 100,000 originals they take 50 MB.
_CHUNK = 64


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        ranks: of the right original, from 1, of each question that has one, shape (answered,).
        confidence: probability of the first match of the same, shape (answered,).
        ranking: metrics of the same; None where there are none.
        unanswered: how many questions have no original.
        none_auroc: how well P(none) tells these from the others; None where one kind is missing.
        trade_off: what each threshold of P(none) costs; None where one kind is missing.
        threshold: the model's.
        at_threshold: what it does.
    """

    ranks: NDArray[np.intp]
    confidence: NDArray[np.float64]
    ranking: RankingMetrics | None
    unanswered: int
    none_auroc: float | None
    trade_off: TradeOff | None
    threshold: float
    at_threshold: AtThreshold

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
        measured |= {"unanswered": self.unanswered, "noneAuroc": self.none_auroc}
        measured["atThreshold"] = {
            "threshold": self.threshold,
            "refusedOfAnswered": self.at_threshold.refused,
            "refusedOfAnsweredRight": self.at_threshold.refused_right,
            "letThroughOfUnanswered": self.at_threshold.let_through,
        }
        return {**measured, "noMatch": None if self.trade_off is None else _json(self.trade_off)}

    def table(self) -> list[tuple[str, str]]:
        """Rows for people: what, and how much; "-" where it could not be measured."""
        rows: list[tuple[str, str]] = []
        if self.ranking is not None:
            ranking = self.ranking
            rows.append(("questions with an original", str(ranking.questions)))
            rows += [
                (f"Acc@{k}", f"{accuracy:.4f}")
                for k, accuracy in enumerate(ranking.accuracy, start=1)
            ]
            rows.append(("mean reciprocal rank (MRR)", f"{ranking.mrr:.4f}"))
            rows.append(("mean rank", f"{ranking.mean_rank:.2f}"))
            rows.append(("expected calibration error (ECE)", f"{ranking.ece:.4f}"))
        rows.append(("questions without an original", str(self.unanswered)))
        rows.append(("no-match AUROC", _figure(self.none_auroc)))
        at = self.at_threshold
        rows.append(("the model's threshold of P(none)", f"{self.threshold:.2f}"))
        rows.append(("  refused, of those with an original", _figure(at.refused)))
        rows.append(("  refused, of those answered right", _figure(at.refused_right)))
        rows.append(("  let through, of those without", _figure(at.let_through)))
        if self.trade_off is not None:
            trade_off, best = self.trade_off, self.trade_off.best
            rows.append(("best threshold of P(none)", f"{trade_off.thresholds[best]:.2f}"))
            rows.append(("  answered, of those with an original", f"{trade_off.kept[best]:.4f}"))
            rows.append(("  refused, of those without", f"{trade_off.refused[best]:.4f}"))
        return rows


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
    ranks, confidence = ranks[answered], confidence[answered]
    both = len(ranks) > 0 and not answered.all()
    kinds = (none[answered], ranks == 1, none[~answered])
    return Evaluation(
        ranks=ranks,
        confidence=confidence,
        ranking=ranking_metrics(ranks, confidence) if len(ranks) else None,
        unanswered=int(np.sum(~answered)),
        none_auroc=auroc(none[~answered], none[answered]) if both else None,
        trade_off=no_match_trade_off(*kinds) if both else None,
        threshold=ranker.none_threshold,
        at_threshold=at_threshold(ranker.none_threshold, *kinds),
    )


def _json(trade_off: TradeOff) -> dict[str, Any]:
    return {
        "bestThreshold": float(trade_off.thresholds[trade_off.best]),
        "thresholds": trade_off.thresholds.tolist(),
        "refused": trade_off.refused.tolist(),
        "kept": trade_off.kept.tolist(),
        "accuracyOfAnswered": trade_off.accuracy.tolist(),
    }


def _figure(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}"
