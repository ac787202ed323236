"""The operator at scale, beside a bare client that sends the same writes, on simulated nodes.

    python -m benchmarks.reconciler --output benchmarks
    python -m benchmarks.reconciler --parts trend --counts 5000 --output benchmarks
    python -m benchmarks.reconciler --quick

The control plane is real, and new for each part; nodes are simulated (kwok), so that pods start at
once. Each part takes a few minutes, and a quiet machine. With --output, reconciler.json keeps each
part's latest figures, and reconciler.md and reconciler.svg show all of them; --quick shows in two
minutes that all of it works.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import reconciler_waves as waves
from benchmarks.reconciler_bare import bare_wave
from benchmarks.reconciler_cluster import Place, place
from benchmarks.reconciler_fairness import fairness
from benchmarks.reconciler_report import Report, markdown, plot

PARTS = ("operator", "bare", "trend", "fairness")


def main() -> None:
    """Run the parts, print the report."""
    options = _options()
    file = None if options.output is None else options.output / "reconciler.json"
    report: Report = json.loads(file.read_text()) if file is not None and file.exists() else {}
    run: dict[str, Callable[[argparse.Namespace, Report, Path], None]] = {
        "operator": _operator,
        "bare": _bare,
        "trend": _trend,
        "fairness": _fairness,
    }
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            run[part](options, report, Path(folder))
        report["when"], report["cores"] = time.strftime("%Y-%m-%d"), os.cpu_count()
        if file is not None:
            file.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
            plot(report, options.output / "reconciler.svg")
    print(markdown(report))
    if file is not None:
        (options.output / "reconciler.md").write_text(markdown(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, metavar="DIR")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--count", type=int, default=1000, help="resources in a wave")
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 300], help="of the trend")
    parser.add_argument("--singles", type=int, default=50, help="resources one after the other")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds in which nothing happens")
    parser.add_argument("--quick", action="store_true", help="few resources, to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.count, options.counts, options.singles, options.rest = 20, [10], 3, 5.0
    return options


def _operator(options: argparse.Namespace, report: Report, folder: Path) -> None:
    """Everything that is measured of the operator, one after the other on one cluster."""
    names = _names(options.count)
    with place(folder, pods=options.count + options.singles) as where:
        operator = where.operator().__enter__()
        try:
            found: Report = {"count": options.count, "emptyMegabytes": waves.megabytes(operator)}
            found["one"] = waves.singles(where, operator, options.singles)
            found["create"] = waves.create_wave(where, operator, names)
            found["rest"] = waves.rest(where, operator, options.rest)
            found["noOp"] = waves.no_op(where, operator, names)
            total = options.count + options.singles
            found["restart"], operator = waves.restart(where, operator, total)
            found["rollOut"] = waves.roll_out(where, operator, names)
            found["settledMegabytes"] = waves.megabytes(operator)
        finally:
            operator.stop()
    report["operator"] = found
    _point(report, options.count, "operator", found["create"]["childrenSeconds"])


def _bare(options: argparse.Namespace, report: Report, folder: Path) -> None:
    with place(folder, pods=options.count) as where:
        report["bare"] = _bare_wave(where, report["operator"]["create"], options.count)
    _point(report, options.count, "bare", report["bare"]["seconds"])


def _bare_wave(where: Place, wave: Report, count: int) -> Report:
    """As many writes for each resource as the operator needed in its wave."""
    status_writes = round(wave["callsEach"].get("patch scoringservices/status", 0))
    found = bare_wave(where.login, _names(count), wave["sample"], status_writes)
    return dict(asyncio.run(found))


def _trend(options: argparse.Namespace, report: Report, folder: Path) -> None:
    """The create wave with other numbers of resources, without nodes: the pods wait."""
    for count in options.counts:
        inner = folder / str(count)
        inner.mkdir()
        with place(inner, pods=0) as where, where.operator() as operator:
            names = _names(count)
            found = waves.create_children(where, operator, names)
        _point(report, count, "operator", found["childrenSeconds"])
        _point(report, count, "megabytes", found["megabytes"])
        inner = folder / f"{count}-bare"
        inner.mkdir()
        with place(inner, pods=0) as where:
            _point(report, count, "bare", _bare_wave(where, found, count)["seconds"])


def _fairness(options: argparse.Namespace, report: Report, folder: Path) -> None:
    with place(folder, pods=0) as where:
        report["fairness"] = fairness(where, _names(min(options.count, 200)))


def _names(count: int) -> list[str]:
    return [f"faq-{number}" for number in range(count)]


def _point(report: Report, count: int, what: str, value: float) -> None:
    """Keep a point of the diagram."""
    report.setdefault("trend", {}).setdefault(str(count), {})[what] = value


if __name__ == "__main__":
    main()
