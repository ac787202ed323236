"""The report of `benchmarks.faq`: tables, the bars, and a diagram."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

OURS, REFERENCE, PLAIN, CONSTANT = "scoring-server", "reference", "plain pipeline", "constant"
Report = dict[str, Any]

# What has to hold, against the peers of the same run and on its own.
_LEAST_SPEEDUP, _LEAST_RATE, _LEAST_SHARE = 100.0, 20.0, 0.8
_MOST_WORKER_MEGABYTES, _MOST_LOAD_MILLISECONDS = 80.0, 20.0
_MOST_MILLISECONDS = {10_000: 1.0, 100_000: 10.0}


_COLUMNS = [
    *("training s", "Acc@1", "in process ms", "requests/s", "p50 ms", "p99 ms"),
    *("start s", "MB a worker", "MB in all"),
]


class Bar(NamedTuple):
    """One thing that must hold: what, how much it is, how much it has to be, and whether it is."""

    what: str
    measured: str
    required: str
    met: bool


def bars(report: Report) -> Iterator[Bar]:
    """What this run can tell of the bars; those of the reference need the reference."""
    peers = report["peers"]
    ours = peers[OURS]
    if REFERENCE in peers:
        reference = peers[REFERENCE]
        faster = reference["inProcessMilliseconds"] / ours["inProcessMilliseconds"]
        rate = ours["requestsPerSecond"] / reference["requestsPerSecond"]
        yield _at_least("scoring in process, times the reference's speed", faster, _LEAST_SPEEDUP)
        yield _at_least("requests/s, times the reference's", rate, _LEAST_RATE)
    share = ours["requestsPerSecond"] / peers[CONSTANT]["requestsPerSecond"]
    yield _at_least("requests/s, of the constant's", share, _LEAST_SHARE, "{:.2f}")
    yield _below("MB of a worker", ours["workerMegabytes"], _MOST_WORKER_MEGABYTES, "{:.0f}")
    load = report["loadMilliseconds"]
    yield _below("ms to load the artefact", load, _MOST_LOAD_MILLISECONDS, "{:.1f}")
    for row in report["scaling"]:
        most = _MOST_MILLISECONDS.get(row["originals"])
        if most is not None:
            what = f"ms a question, {row['originals']:,} originals"
            yield _below(what, row["p50Milliseconds"], most, "{:.2f}")


def markdown(report: Report, picture: str) -> str:
    """Three tables: against the peers, growing with the originals, and the bars.

    Args:
        report: of `benchmarks.faq`.
        picture: the file name of the diagram.
    """
    settings = report["settings"]
    lines = [
        f"{report['data']}: {report['originals']} originals, {report['duplicates']} duplicates.",
        f"{settings['cores']} cores, {settings['connections']} connections, median of",
        f"{settings['rounds']} interleaved rounds of {settings['seconds']:g} s; in process one",
        "thread, the whole ranking, of each question the median round; the",
        f"reference has {settings['trees']} trees.",
        "",
        _row("", *_COLUMNS),
        "|" + " --- |" * (1 + len(_COLUMNS)),
    ]
    for name, row in report["peers"].items():
        accuracy = "" if row["accuracyAt1"] is None else f"{row['accuracyAt1']:.3f}"
        lines.append(
            f"| {name} | {row['trainingSeconds']:.1f} | {accuracy} "
            f"| {row['inProcessMilliseconds']:.3f} | {row['requestsPerSecond']:.0f} "
            f"| {row['p50Milliseconds']:.1f} | {row['p99Milliseconds']:.1f} "
            f"| {row['startSeconds']:.2f} | {row['workerMegabytes']:.0f} "
            f"| {row['memoryMegabytes']:.0f} |"
        )
    lines += ["", f"![Requests per second, and how scoring grows]({picture})", ""]
    lines += [
        "| originals | training s | artefact MB | load ms | p50 ms | p99 ms |",
        "|" + " --- |" * 6,
    ]
    lines += [
        f"| {row['originals']:,} | {row['trainingSeconds']:.1f} | {row['artefactMegabytes']:.1f} "
        f"| {row['loadMilliseconds']:.1f} | {row['p50Milliseconds']:.2f} "
        f"| {row['p99Milliseconds']:.2f} |"
        for row in report["scaling"]
    ]
    lines += ["", "| bar | measured | required | |", "|" + " --- |" * 4]
    lines += [
        f"| {bar.what} | {bar.measured} | {bar.required} | {'met' if bar.met else '**missed**'} |"
        for bar in bars(report)
    ]
    return "\n".join(lines) + "\n"


def plot(report: Report, path: Path) -> None:
    """Requests per second of all, and the time of one question by the number of originals."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text as text keeps the file small; the salt makes the same figures the same bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "faq"}):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        rates, growth = figure.subplots(1, 2)
        names = list(report["peers"])
        drawn = rates.barh(names, [report["peers"][n]["requestsPerSecond"] for n in names])
        rates.bar_label(drawn, fmt="%.0f", padding=3)
        rates.set(title="Requests per second", xscale="log")
        rates.margins(x=0.2)
        rates.invert_yaxis()
        counts = [row["originals"] for row in report["scaling"]]
        for key, style in (("p50Milliseconds", "o-"), ("p99Milliseconds", "o:")):
            values = [row[key] for row in report["scaling"]]
            growth.plot(counts, values, style, color="C0", label=key[:3])
        growth.set(title="One question, top 3", xscale="log", yscale="log", xlabel="originals")
        growth.set_ylabel("ms")
        growth.grid(alpha=0.3)
        growth.legend()
        figure.savefig(path, metadata={"Date": None})


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _at_least(what: str, measured: float, least: float, shape: str = "{:.0f}") -> Bar:
    return Bar(what, shape.format(measured), "≥ " + shape.format(least), measured >= least)


def _below(what: str, measured: float, most: float, shape: str) -> Bar:
    return Bar(what, shape.format(measured), f"< {most:g}", measured < most)
