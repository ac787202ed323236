"""Diagrams of an evaluation; needs matplotlib, which serving does not have."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scoring_server.faq.evaluation import Evaluation
from scoring_server.faq.metrics import reliability

_MOST_RANKS = 20
# The area in points² of a dot that stands for all questions; a bin of a few is small, as it tells
# little.
_LARGEST_DOT = 600
# Without these every run would write other bytes.
_SALT = "scoring-faq"
_METADATA = {"png": {"Software": None}, "svg": {"Date": None}}


def write_plots(directory: Path, measured: Mapping[str, Evaluation], suffix: str) -> list[Path]:
    """Write reliability, accuracy-at-k and, where it was measured, no-match-trade-off.

    Args:
        directory: where to; made when missing.
        measured: by the name of the model; one line each.
        suffix: "png" or "svg".

    Returns:
        The files.

    Raises:
        OSError: they cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    ranked = {label: e for label, e in measured.items() if e.ranking is not None}
    refusing = {label: e for label, e in measured.items() if e.trade_off is not None}
    for name, draw, chosen in (
        ("reliability", _reliability, ranked),
        ("accuracy-at-k", _accuracy, ranked),
        ("no-match-trade-off", _trade_off, refusing),
    ):
        if not chosen:
            continue
        figure = Figure(figsize=(6, 4.5), layout="constrained")
        axes: Axes = figure.add_subplot()
        draw(axes, chosen)
        axes.grid(alpha=0.3)
        axes.legend()
        path = directory / f"{name}.{suffix}"
        with mpl.rc_context({"svg.hashsalt": _SALT}):
            figure.savefig(path, dpi=120, metadata=_METADATA[suffix])
        written.append(path)
    return written


def _reliability(axes: Axes, measured: Mapping[str, Evaluation]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    for name, evaluation in measured.items():
        bins = reliability(evaluation.confidence, evaluation.ranks == 1)
        filled = bins.size > 0
        confidence, accuracy = bins.confidence[filled], bins.accuracy[filled]
        (line,) = axes.plot(confidence, accuracy, label=name)
        share = bins.size[filled] / bins.size.sum()
        axes.scatter(confidence, accuracy, _LARGEST_DOT * share, color=line.get_color(), zorder=2)
    axes.set(
        title="Reliability of the first match (dots: share of the questions)",
        xlabel="its probability (mean of 15 bins)",
        ylabel="share that is right",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )


def _accuracy(axes: Axes, measured: Mapping[str, Evaluation]) -> None:
    ks = np.arange(1, _MOST_RANKS + 1)
    for name, evaluation in measured.items():
        share = (evaluation.ranks <= ks[:, None]).mean(axis=1)
        axes.plot(ks, share, marker="o", label=name)
    axes.set(
        title="Accuracy at k",
        xlabel="k",
        ylabel="right original among the first k",
        xticks=[1, 2, 3, 5, 10, 15, 20],
        ylim=(None, 1.02),
    )


def _trade_off(axes: Axes, measured: Mapping[str, Evaluation]) -> None:
    for name, evaluation in measured.items():
        trade_off = evaluation.trade_off
        if trade_off is None:
            continue
        (line,) = axes.plot(trade_off.kept, trade_off.refused, label=name)
        best = trade_off.best
        axes.plot(trade_off.kept[best], trade_off.refused[best], marker="o", color=line.get_color())
        axes.annotate(
            f"{trade_off.thresholds[best]:.2f}",
            (trade_off.kept[best], trade_off.refused[best]),
            textcoords="offset points",
            xytext=(5, 5),
        )
    axes.set(
        title="No-match trade-off, with the best threshold of P(none)",
        xlabel="answered, of the questions with an original",
        ylabel="refused, of those without",
        xlim=(0, 1.02),
        ylim=(0, 1.02),
    )
