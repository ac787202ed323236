"""The operator at scale, beside a bare client that sends the same writes, on simulated nodes.

    python -m benchmarks.reconciler --output benchmarks
    python -m benchmarks.reconciler --parts trend --counts 5000 --output benchmarks
    python -m benchmarks.reconciler --quick

The control plane is real, and new for each part. In the trend there are no nodes, and Kubernetes'
controllers ask as often as by default: children are what is waited for. In the operator's part
nodes are simulated (kwok) and controllers hurry, so that pods start at once. Each part takes a few
minutes, and a quiet machine. With --output, reconciler.json keeps each part's latest figures, and
reconciler.md and reconciler.svg show all of them; --quick shows in some minutes that it all works.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import reconciler_waves as waves
from benchmarks.reconciler_bare import bare_wave
from benchmarks.reconciler_cluster import Place, place
from benchmarks.reconciler_fairness import fairness
from benchmarks.reconciler_repairs import repairs
from benchmarks.reconciler_report import Report, markdown, plot

PARTS = ("operator", "bare", "trend", "fairness")


@dataclass(frozen=True)
class Run:
    """A run of some parts.

    Attributes:
        file: where the figures are kept as they come, for a run may be cut short.
        folder: for one part's files, and empty at its start.
    """

    options: argparse.Namespace
    report: Report
    file: Path | None
    folder: Path

    def keep(self, **found: Any) -> None:
        """Take figures into the report, and the file."""
        self.report.update(found, when=time.strftime("%Y-%m-%d"), cores=os.cpu_count())
        if self.file is not None:
            self.file.write_text(json.dumps(self.report, indent=1, sort_keys=True) + "\n")

    def point(self, count: int, **values: float) -> None:
        """Take figures into the diagram."""
        trend: Report = self.report.get("trend", {})
        point = {**trend.get(str(count), {}), **values}
        self.keep(trend={**trend, str(count): point})


def main() -> None:
    """Run the parts, print the report."""
    options = _options()
    file = None if options.output is None else options.output / "reconciler.json"
    report: Report = json.loads(file.read_text()) if file is not None and file.exists() else {}
    parts = {"operator": _operator, "bare": _bare, "trend": _trend, "fairness": _fairness}
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[part](Run(options, report, file, Path(folder)))
    print(markdown(report))
    if options.output is not None:
        (options.output / "reconciler.md").write_text(markdown(report))
        plot(report, options.output / "reconciler.svg")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, metavar="DIR")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--count", type=int, default=1000, help="resources in a wave")
    parser.add_argument(
        "--counts", type=int, nargs="+", default=[100, 300, 1000], help="of the trend"
    )
    parser.add_argument("--singles", type=int, default=50, help="resources one after the other")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds in which nothing happens")
    parser.add_argument("--quick", action="store_true", help="few resources, to see that it works")
    options = parser.parse_args()
    if options.quick:
        options.count, options.counts, options.singles, options.rest = 20, [10], 3, 5.0
    return options


def _operator(run: Run) -> None:
    """Everything that is measured of the operator, one after the other on one cluster."""
    options, names = run.options, _names(run.options.count)
    total = options.count + options.singles
    found: Report = {"count": options.count}

    def keep(**figures: Any) -> None:
        found.update(figures)
        run.keep(operator=found)

    with place(run.folder, pods=total, brisk=True) as where:
        operator = where.operator().__enter__()
        try:
            keep(emptyMegabytes=waves.megabytes(operator))
            keep(one=waves.singles(where, operator, options.singles))
            keep(create=waves.create_wave(where, operator, names))
            keep(rest=waves.rest(where, operator, options.rest))
            keep(repairs=repairs(where, operator, names))
            keep(noOp=waves.no_op(where, operator, names))
            figures, operator = waves.restart(where, operator, total)
            keep(restart=figures)
            keep(rollOut=waves.roll_out(where, operator, names))
            keep(settled=waves.memory(operator))
        finally:
            operator.stop()


def _bare(run: Run) -> None:
    count = run.options.count
    with place(run.folder, pods=count, brisk=True) as where:
        found = _bare_wave(where, run.report["operator"]["create"], count)
    run.keep(bare=found)


def _bare_wave(where: Place, wave: Report, count: int) -> Report:
    """As many writes for each resource as the operator needed in its wave."""
    status_writes = round(wave["callsEach"].get("patch scoringservices/status", 0))
    others = where.others()
    found = asyncio.run(bare_wave(where.login, _names(count), wave["sample"], status_writes))
    return {**found, "othersCores": others.cores()}


def _trend(run: Run) -> None:
    """The create wave with several numbers of resources, without nodes: the pods wait."""
    for count in run.options.counts:
        with _new_place(run, f"{count}") as where, where.operator() as operator:
            found = waves.create_children(where, operator, _names(count))
        writes = found["writes"] / count
        run.point(
            count,
            operator=found["childrenSeconds"],
            operatorCpu=found["cpuSeconds"],
            megabytes=found["megabytes"],
            writesEach=writes,
            readsEach=found["calls"] / count - writes,
        )
        with _new_place(run, f"{count}-bare") as where:
            bare = _bare_wave(where, found, count)
        run.point(
            count,
            bare=bare["seconds"],
            bareCpu=bare["cpuSeconds"],
            others=max(found["othersCores"], bare["othersCores"]),
        )


def _new_place(run: Run, name: str) -> AbstractContextManager[Place]:
    folder = run.folder / name
    folder.mkdir()
    return place(folder)


def _fairness(run: Run) -> None:
    with place(run.folder) as where:
        run.keep(fairness=fairness(where, _names(min(run.options.count, 200))))


def _names(count: int) -> list[str]:
    return [f"faq-{number}" for number in range(count)]


if __name__ == "__main__":
    main()
