"""Measuring a trained model on questions whose original is known, or known to be missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring_server.faq.data import Questions
from scoring_server.faq.metrics import RankingMetrics, auroc, ranking_metrics, ranks_of
from scoring_server.faq.serving import FaqRanker
from scoring_server.faq.trade_off import TradeOff, no_match_trade_off

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
    """

    ranks: NDArray[np.intp]
    confidence: NDArray[np.float64]
    ranking: RankingMetrics | None
    unanswered: int
    none_auroc: float | None
    trade_off: TradeOff | None

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
        area = "-" if self.none_auroc is None else f"{self.none_auroc:.4f}"
        rows.append(("no-match AUROC", area))
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
    return Evaluation(
        ranks=ranks,
        confidence=confidence,
        ranking=ranking_metrics(ranks, confidence) if len(ranks) else None,
        unanswered=int(np.sum(~answered)),
        none_auroc=auroc(none[~answered], none[answered]) if both else None,
        trade_off=no_match_trade_off(none[answered], ranks == 1, none[~answered]) if both else None,
    )


def _json(trade_off: TradeOff) -> dict[str, Any]:
    return {
        "bestThreshold": float(trade_off.thresholds[trade_off.best]),
        "thresholds": trade_off.thresholds.tolist(),
        "refused": trade_off.refused.tolist(),
        "kept": trade_off.kept.tolist(),
        "accuracyOfAnswered": trade_off.accuracy.tolist(),
    }
