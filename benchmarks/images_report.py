"""The report of `benchmarks.images`: tables, bars and a diagram."""

import statistics
from pathlib import Path
from typing import Any, Final

Report = dict[str, Any]
# What was measured of a row at a number of clients, a round each.
Rounds = list[dict[str, float]]

LIMIT: Final = "in-process limit"
OURS: Final = "scoring-server"
OURS_JSON: Final = "scoring-server, JSON"
OURS_INT8: Final = "scoring-server, int8"
REFERENCE: Final = "the reference's way"
_MANY: Final = 16
_TINY: Final = "tiny"


def markdown(report: Report) -> str:
    """For each model the speeds, what they cost, and how far they are from the bars."""
    settings = report["settings"]
    how = (
        f"{settings['when']}, {settings['cores']} cores, no GPU; medians of interleaved rounds of "
        f"{settings['seconds']:g} s; ratios are taken within each round. The peers batch up to 4 "
        "images and wait 1 ms for them; OpenVINO behind all but the reference."
    )
    lines = [f"{how} {_disturbance(report)}"]
    for name, measured in report["models"].items():
        lines += ["", f"### {_title(name, measured)}", ""]
        lines += _rates(measured)
        lines += ["", *_facts(measured)]
        lines += ["", *_bars(name, measured)]
    return "\n".join(lines) + "\n"


def _disturbance(report: Report) -> str:
    shares = [
        found["foreignShare"]
        for measured in report["models"].values()
        for visit in measured["rounds"]
        for found in visit["rates"].values()
    ]
    if not shares:
        return ""
    middle, worst = statistics.median(shares), max(shares)
    return (
        f"Other programs took {middle:.0%} of the CPUs in the median measurement, {worst:.0%} in "
        "the worst."
    )


def _title(name: str, measured: Report) -> str:
    kilobytes = measured["imageBytes"] / 1e3
    what = "the server's own cost" if name == _TINY else f"{name}, random weights"
    return f"{'A tiny model: ' if name == _TINY else ''}{what}, JPEGs of {kilobytes:.0f} kB"


def _clients(measured: Report) -> list[int]:
    return sorted({visit["clients"] for visit in measured["rounds"]})


def _names(measured: Report) -> list[str]:
    return list(dict.fromkeys(row for visit in measured["rounds"] for row in visit["rates"]))


def _found(measured: Report, row: str, clients: int) -> Rounds:
    return [
        visit["rates"][row]
        for visit in measured["rounds"]
        if visit["clients"] == clients and row in visit["rates"]
    ]


def _median(rounds: Rounds, key: str) -> float:
    return statistics.median(found[key] for found in rounds)


def _rates(measured: Report) -> list[str]:
    counts = _clients(measured)
    heads = "".join(
        f" {count} client{'s' if count > 1 else ''}"
        f" ({max(len(_found(measured, row, count)) for row in _names(measured))} rounds) |"
        for count in counts
    )
    lines = [f"| images/s (p50 / p99 ms) |{heads}", "| --- |" + " --- |" * len(counts)]
    for row in _names(measured):
        cells = [_cell(_found(measured, row, count)) for count in counts]
        lines.append(f"| {row} |" + "".join(cells))
    return lines


def _cell(rounds: Rounds) -> str:
    if not rounds:
        return " |"
    failed = sum(found.get("goodFailed", 0) for found in rounds)
    lost = f", {failed:.0f} failed" if failed else ""
    speed = _median(rounds, "imagesPerSecond")
    p50, p99 = _median(rounds, "p50Milliseconds"), _median(rounds, "p99Milliseconds")
    digits = 1 if p50 < 100 else 0
    return f" {speed:.1f} ({p50:.{digits}f} / {p99:.{digits}f}{lost}) |"


def _facts(measured: Report) -> list[str]:
    names = (f"CPU ms an image ({_MANY} clients)", "memory MB", "ready s")
    head = ("", *names, "good requests failed beside bad ones")
    lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
    for row, facts in measured["facts"].items():
        at = _found(measured, row, _MANY) or _found(measured, row, _clients(measured)[0])
        cost = f"{_median(at, 'cpuSecondsPerImage') * 1e3:.2f}" if at else ""
        lines.append(
            f"| {row} | {cost} | {facts['memoryMegabytes']:.0f} "
            f"| {facts['startSeconds']:.1f} | {facts['goodFailedBesideBad']:.0f} of "
            f"{facts['goodBesideBad']:.0f} |"
        )
    return lines


def _bars(name: str, measured: Report) -> list[str]:
    """What was promised, beside what was found."""
    lines: list[str] = []
    for count in _clients(measured):
        if count > _MANY:
            continue
        if name == _TINY:
            if count in {1, _MANY}:
                lines += _best_peer(measured, count, 1.3 if count == _MANY else 1.0)
            continue
        lines += _ratio(measured, (OURS, LIMIT), count, "of the in-process limit", 0.97)
        lines += _best_peer(measured, count, 1.08)
    if name == _TINY:
        return lines
    ours = _found(measured, OURS, _MANY)
    if ours:
        spread = _range([found["p99Milliseconds"] / found["p50Milliseconds"] for found in ours])
        lines.append(f"- p99 over p50, {_MANY} clients: {spread}; bar: at most 1.3")
    lines += _ratio(measured, (OURS, REFERENCE), _MANY, "times the reference's way", 4)
    lines += _ratio(measured, (OURS_INT8, REFERENCE), _MANY, "times the reference's way", 8)
    return lines


def _best_peer(measured: Report, clients: int, bar: float) -> list[str]:
    ours = {OURS, OURS_JSON, OURS_INT8, LIMIT, REFERENCE}
    speeds = {
        row: _median(rounds, "imagesPerSecond")
        for row in _names(measured)
        if row not in ours and (rounds := _found(measured, row, clients))
    }
    if not speeds:
        return []
    best = max(speeds, key=lambda row: speeds[row])
    return _ratio(measured, (OURS, best), clients, f"times the best peer ({best})", bar)


def _ratio(
    measured: Report, rows: tuple[str, str], clients: int, what: str, bar: float
) -> list[str]:
    ratios = [
        visit["rates"][rows[0]]["imagesPerSecond"] / visit["rates"][rows[1]]["imagesPerSecond"]
        for visit in measured["rounds"]
        if visit["clients"] == clients
        and set(rows) <= visit["rates"].keys()
        and visit["rates"][rows[1]]["imagesPerSecond"] > 0
    ]
    if not ratios:
        return []
    who = f"{rows[0]}, {clients} client{'s' if clients > 1 else ''}"
    verdict = "met" if statistics.median(ratios) >= bar else "missed"
    return [f"- {who}: {_range(ratios)} {what}; bar: {bar:g}, {verdict}"]


def _range(values: list[float]) -> str:
    """The median, and in brackets from where to where the rounds went."""
    median, least, most = (
        f"{value:.2f}" if value < 10 else f"{value:.1f}"
        for value in (statistics.median(values), min(values), max(values))
    )
    return f"{median} ({least} to {most})"


def plot(report: Report, path: Path) -> None:
    """Images a second by clients, a panel for each model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, len(report["models"]), squeeze=False)[0]
    # A server has the same colour in each panel, though it may not be in all.
    names = dict.fromkeys(row for measured in report["models"].values() for row in _names(measured))
    colours = {row: f"C{number}" for number, row in enumerate(names)}
    shown = {}
    for axes, (name, measured) in zip(panels, report["models"].items(), strict=True):
        for row in _names(measured):
            counts = [count for count in _clients(measured) if _found(measured, row, count)]
            rates = [_median(_found(measured, row, count), "imagesPerSecond") for count in counts]
            style = "--" if row == LIMIT else "-"
            (shown[row],) = axes.plot(counts, rates, style, marker="o", color=colours[row])
        axes.set(title=name, xlabel="clients", ylabel="images/s")
        axes.set_xscale("log", base=2)
        axes.set_xticks(_clients(measured), [str(count) for count in _clients(measured)])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.legend(shown.values(), shown, loc="outside right upper", fontsize="small")
    figure.savefig(path, metadata={"Date": None})
