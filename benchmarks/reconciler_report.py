"""The report of `benchmarks.reconciler`: a table, the bars, and a diagram."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Report = dict[str, Any]

# KServe 0.20 in Standard mode with 1,000 InferenceServices, on a machine of the same size: the
# same API server, another day.
KSERVE = {"wave": 72.0, "one": 30.0, "restart": 27.0, "restartCalls": 6020, "megabytes": 150.0}

_MOST_MILLISECONDS, _MOST_RATIO, _LEAST_SPEEDUP = 50.0, 1.25, 3.0
_MOST_RESTART_SECONDS, _MOST_MEGABYTES = 15.0, 150.0
_MOST_STATUS_WRITES, _MOST_REPAIR = 3.0, 500.0
_KSERVE_COUNT = 1000
_COLUMNS = {
    "operator": "operator: all children s",
    "bare": "bare client s",
    "operatorCpu": "operator CPU s",
    "bareCpu": "bare client CPU s",
    "others": "cores that others took",
    "megabytes": "operator MB",
    "writesEach": "writes for one",
    "readsEach": "reads for one",
}


class Bar(NamedTuple):
    """One thing that must hold: what, how much it is, how much it has to be, and whether it is."""

    what: str
    measured: str
    required: str
    met: bool


def bars(report: Report) -> Iterator[Bar]:
    """What the steps that were made can tell."""
    found: Report = report.get("operator", {})
    if "one" in found:
        one = found["one"]["create"]
        yield _most(
            "one resource: all children after, p50 ms",
            one["milliseconds"]["p50"],
            _MOST_MILLISECONDS,
            "{:.0f}",
        )
        status = one["callsEach"].get("patch scoringservices/status", 0)
        yield _most("one resource: status writes", status, _MOST_STATUS_WRITES, "{:.1f}")
    yield from _trend_bars(report)
    if "create" in found:
        yield from _wave_bars(report, found)
    for harm, milliseconds in sorted(found.get("repairs", {}).items()):
        most = milliseconds["most"]
        yield _most(f"{harm}: ms until right, most of 10", most, _MOST_REPAIR, "{:.0f}")
    if "restart" in found:
        seconds = found["restart"]["seconds"]
        yield _most("restart: seconds", seconds, _MOST_RESTART_SECONDS, "{:.1f}")
        yield _most("restart: writes", found["restart"]["writes"], 0)
    if "noOp" in found:
        yield _most("further look at each: writes", found["noOp"]["writes"], 0)
    if "rest" in found:
        yield _most(f"{found['rest']['seconds']:g} s at rest: requests", found["rest"]["calls"], 0)


def _trend_bars(report: Report) -> Iterator[Bar]:
    for count, point in _trend(report):
        if {"operator", "bare"} <= point.keys():
            ratio = point["operator"] / point["bare"]
            what = f"{count:,} at once, of the bare client's time"
            yield _most(what, ratio, _MOST_RATIO, "{:.2f}")
        if count == _KSERVE_COUNT and "operator" in point:
            faster = KSERVE["wave"] / point["operator"]
            met = faster >= _LEAST_SPEEDUP
            what = f"{count:,} at once, times KServe's speed (another machine)"
            yield Bar(what, f"{faster:.1f}", f"≥ {_LEAST_SPEEDUP:g}", met)


def _wave_bars(report: Report, found: Report) -> Iterator[Bar]:
    if "bare" in report:
        ratio = found["create"]["childrenSeconds"] / report["bare"]["seconds"]
        what = f"{found['count']:,} at once with nodes, of the bare client's time"
        yield _most(what, ratio, _MOST_RATIO, "{:.2f}")
    if found["count"] == _KSERVE_COUNT:
        held = {"after the wave": found["create"]["megabytes"]}
        if "settled" in found:
            held["after a restart and a roll-out"] = found["settled"]["megabytes"]
        for when, megabytes in held.items():
            yield _most(f"MB {when}", megabytes, _MOST_MEGABYTES, "{:.0f}")


def markdown(report: Report) -> str:
    """Tables of what was measured.

    Args:
        report: of `benchmarks.reconciler`; parts that were not run are left out.
    """
    lines = [f"{report.get('cores')} cores, {report.get('when')}; nodes simulated.", ""]
    rows = [_row(*cells) for cells in _table(report)]
    if rows:
        heads = ("what", "operator", "bare client", "KServe 0.20")
        lines += [_row(*heads), _rule(4), *rows]
        if "one" in report["operator"]:
            lines += ["", _row("calls for one", "create", "roll-out"), _rule(3)]
            lines += _calls(report["operator"])
    if "trend" in report:
        lines += ["", _row("at once", *_COLUMNS.values()), _rule(1 + len(_COLUMNS))]
        lines += [
            _row(f"{count:,}", *(_cell(point, key) for key in _COLUMNS))
            for count, point in _trend(report)
        ]
    met = [
        _row(bar.what, bar.measured, bar.required, "met" if bar.met else "**missed**")
        for bar in bars(report)
    ]
    if met:
        lines += ["", _row("bar", "measured", "required", ""), _rule(4), *met]
    if "fairness" in report:
        found = report["fairness"]
        lines += [
            "",
            f"{found['count']} at once where the API server refuses most of what comes together:",
            (
                f"{found['refused']} answers 429, none tried again before"
                f" {found['soonestRetrySeconds']:.1f} s; children after"
                f" {found['childrenSeconds']:.1f} s."
            ),
        ]
    return "\n".join(lines) + "\n"


def _table(report: Report) -> Iterator[tuple[str, ...]]:
    found: Report = report.get("operator", {})
    if "one" in found:
        one = found["one"]["create"]
        yield (
            f"one on a quiet cluster ({one['count']}): all children after",
            f"p50 {one['milliseconds']['p50']:.0f} ms, p99 {one['milliseconds']['p99']:.0f} ms",
            "",
            f"{KSERVE['one']:.0f} ms",
        )
    if "create" in found:
        yield from _wave_rows(report, found)
    if "rollOut" in found:
        out = found["rollOut"]
        writes = out["callsEach"].get("patch scoringservices/status", 0)
        yield (
            "roll-out of all: the last status after",
            f"{out['quietSeconds']:.1f} s, {out['cpuSeconds']:.1f} s of CPU",
            "",
            "",
        )
        yield "the same: status writes for one", f"{writes:.1f}", "", ""
    if "noOp" in found:
        look = found["noOp"]
        each = look["cpuSeconds"] / max(look["looks"], 1) * 1000
        yield "a further look at each", f"{each:.1f} ms of CPU, {look['calls']} calls", "", ""
    if "restart" in found:
        again = found["restart"]
        yield (
            "restart where all is settled",
            f"{again['seconds']:.1f} s, {again['calls']} calls, {again['writes']} writes",
            "",
            f"{KSERVE['restart']:.0f} s, {KSERVE['restartCalls']:,} calls, 2,000 writes",
        )
    if "rest" in found:
        rest = found["rest"]
        yield (
            f"{rest['seconds']:g} s at rest",
            f"{rest['calls']} calls, {rest['cpuSeconds']:.1f} s of CPU",
            "",
            "0 calls",
        )


def _wave_rows(report: Report, found: Report) -> Iterator[tuple[str, ...]]:
    bare, wave, count = report.get("bare", {}), found["create"], found["count"]
    sent = f"{bare['seconds']:.1f} s" if bare else ""
    yield (
        f"{count:,} at once, whose pods start: all children after",
        f"{wave['childrenSeconds']:.1f} s",
        sent,
        "",
    )
    busy = f"{bare['cpuSeconds']:.1f} s" if bare else ""
    yield "the same: CPU until all are ready", f"{wave['cpuSeconds']:.1f} s", busy, "44 s"
    yield "the same: the last status after", f"{wave['quietSeconds']:.1f} s", "", ""
    writes = f"{bare['writesEach']:.1f}" if bare else ""
    yield "the same: writes for one", f"{wave['writes'] / count:.1f}", writes, "17"
    memory = [("none", found["emptyMegabytes"]), ("after the wave", wave["megabytes"])]
    memory.append(("its peak", wave["peakMegabytes"]))
    if "settled" in found:
        memory.append(("after restart and roll-out", found["settled"]["megabytes"]))
        memory.append(("its peak", found["settled"]["peakMegabytes"]))
    yield (
        "memory: " + ", ".join(when for when, _ in memory),
        ", ".join(f"{megabytes:.0f}" for _, megabytes in memory) + " MB",
        "",
        f"{KSERVE['megabytes']:.0f} MB",
    )
    resources = count + found["one"]["create"]["count"] if "one" in found else count
    each = (wave["megabytes"] - found["emptyMegabytes"]) * 1000 / resources
    yield "the same: for one resource", f"{each:.0f} kB", "", ""


def _calls(found: Report) -> list[str]:
    create, update = (found["one"][key]["callsEach"] for key in ("create", "update"))
    texts = sorted(create.keys() | update.keys())
    return [_row(text, *(f"{of.get(text, 0):.1f}" for of in (create, update))) for text in texts]


def plot(report: Report, path: Path) -> None:
    """Seconds until all children exist, by the number of resources."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text as text keeps the file small; the salt makes the same figures the same bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "reconciler"}):
        figure = Figure(figsize=(5.5, 3.6), layout="constrained")
        axes = figure.subplots()
        for key, label, style in (
            ("operator", "operator", "o-"),
            ("bare", "bare client, the same writes", "s--"),
        ):
            points = [(count, point[key]) for count, point in _trend(report) if key in point]
            if points:
                axes.plot(*zip(*points, strict=True), style, label=label)
        axes.plot([_KSERVE_COUNT], [KSERVE["wave"]], "x", color="C3", label="KServe 0.20")
        axes.set(title="All children exist after", xlabel="resources at once", ylabel="s")
        axes.set(xscale="log", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(path, metadata={"Date": None})


def _trend(report: Report) -> list[tuple[int, Mapping[str, float]]]:
    return sorted((int(count), point) for count, point in report.get("trend", {}).items())


def _cell(point: Mapping[str, float], key: str) -> str:
    return f"{point[key]:.1f}" if key in point else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|" + " --- |" * columns


def _most(what: str, measured: float, most: float, shape: str = "{:g}") -> Bar:
    return Bar(what, shape.format(measured), f"≤ {most:g}", measured <= most)
