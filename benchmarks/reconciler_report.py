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
_KSERVE_COUNT = 1000


class Bar(NamedTuple):
    """One thing that must hold: what, how much it is, how much it has to be, and whether it is."""

    what: str
    measured: str
    required: str
    met: bool


def bars(report: Report) -> Iterator[Bar]:
    """What the parts that were run can tell."""
    if "operator" not in report:
        return
    found = report["operator"]
    one = found["one"]["create"]["milliseconds"]["p50"]
    yield _most("one resource: all children after, p50 ms", one, _MOST_MILLISECONDS, "{:.0f}")
    wave = found["create"]["childrenSeconds"]
    if "bare" in report:
        ratio = wave / report["bare"]["seconds"]
        yield _most("create wave, of the bare client's time", ratio, _MOST_RATIO, "{:.2f}")
    if found["count"] == _KSERVE_COUNT:
        faster = KSERVE["wave"] / wave
        met = faster >= _LEAST_SPEEDUP
        what = "create wave, times KServe's speed"
        yield Bar(what, f"{faster:.1f}", f"≥ {_LEAST_SPEEDUP:g}", met)
        for key in ("create", "settled"):
            held = found["create"]["megabytes"] if key == "create" else found["settledMegabytes"]
            when = "after the wave" if key == "create" else "after a restart and a roll-out"
            yield _most(f"MB {when}", held, _MOST_MEGABYTES, "{:.0f}")
    yield _most("restart: seconds", found["restart"]["seconds"], _MOST_RESTART_SECONDS, "{:.1f}")
    yield _most("restart: writes", found["restart"]["writes"], 0)
    yield _most("further look at each: writes", found["noOp"]["writes"], 0)
    yield _most(f"{found['rest']['seconds']:g} s at rest: requests", found["rest"]["calls"], 0)


def markdown(report: Report) -> str:
    """Tables of what was measured.

    Args:
        report: of `benchmarks.reconciler`; parts that were not run are left out.
    """
    lines = [f"{report.get('cores')} cores, {report.get('when')}; nodes simulated.", ""]
    if "operator" in report:
        lines += [_row("what", "operator", "bare client", "KServe 0.20"), _rule(4)]
        lines += [_row(*cells) for cells in _table(report)]
        lines += ["", _row("calls for one", "create", "roll-out"), _rule(3)]
        lines += _calls(report["operator"])
        lines += ["", _row("bar", "measured", "required", ""), _rule(4)]
        lines += [
            _row(bar.what, bar.measured, bar.required, "met" if bar.met else "**missed**")
            for bar in bars(report)
        ]
    if "trend" in report:
        lines += ["", _row("resources", "operator s", "bare client s", "operator MB"), _rule(4)]
        lines += [
            _row(f"{count:,}", *(_cell(point, key) for key in ("operator", "bare", "megabytes")))
            for count, point in _trend(report)
        ]
    if "fairness" in report:
        found = report["fairness"]
        lines += [
            "",
            f"{found['count']} at once where the API server refuses most of what comes together:",
            f"{found['refused']} answers 429, children after {found['childrenSeconds']:.1f} s.",
        ]
    return "\n".join(lines) + "\n"


def _table(report: Report) -> Iterator[tuple[str, ...]]:
    found = report["operator"]
    bare = report.get("bare", {})
    one, wave, out = found["one"]["create"], found["create"], found["rollOut"]
    again, rest, look = found["restart"], found["rest"], found["noOp"]
    count = found["count"]
    each = (wave["megabytes"] - found["emptyMegabytes"]) * 1000 / (count + one["count"])
    yield (
        f"one on a quiet cluster ({one['count']}): all children after",
        f"p50 {one['milliseconds']['p50']:.0f} ms, p99 {one['milliseconds']['p99']:.0f} ms",
        "",
        f"{KSERVE['one']:.0f} ms",
    )
    sent = f"{bare['seconds']:.1f} s" if bare else ""
    yield (
        f"{count:,} at once: all children after",
        f"{wave['childrenSeconds']:.1f} s",
        sent,
        f"{KSERVE['wave']:.0f} s",
    )
    busy = f"{bare['cpuSeconds']:.1f} s" if bare else ""
    yield "the same: CPU until all are ready", f"{wave['cpuSeconds']:.1f} s", busy, "44 s"
    yield "the same: the last status after", f"{wave['quietSeconds']:.1f} s", "", ""
    writes = f"{bare['writesEach']:.1f}" if bare else ""
    yield "the same: writes for one", f"{wave['writes'] / count:.1f}", writes, "17"
    yield (
        "roll-out of all: the last status after",
        f"{out['quietSeconds']:.1f} s, {out['cpuSeconds']:.1f} s of CPU",
        "",
        "",
    )
    yield (
        "a further look at each",
        f"{look['cpuSeconds'] / max(look['looks'], 1) * 1000:.1f} ms of CPU, {look['calls']} calls",
        "",
        "",
    )
    yield (
        "restart where all is settled",
        f"{again['seconds']:.1f} s, {again['calls']} calls, {again['writes']} writes",
        "",
        f"{KSERVE['restart']:.0f} s, {KSERVE['restartCalls']:,} calls, 2,000 writes",
    )
    memory = (found["emptyMegabytes"], wave["megabytes"], found["settledMegabytes"])
    yield (
        "memory: none, after the wave, after restart and roll-out",
        ", ".join(f"{held:.0f}" for held in memory) + " MB",
        "",
        f"{KSERVE['megabytes']:.0f} MB",
    )
    yield "the same: for one resource", f"{each:.0f} kB", "", ""
    yield (
        f"{rest['seconds']:g} s at rest",
        f"{rest['calls']} calls, {rest['cpuSeconds']:.1f} s of CPU",
        "",
        "0 calls",
    )


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
