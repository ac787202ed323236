"""The report of `benchmarks.faq`: tables and a diagram."""

from pathlib import Path
from typing import Any

OURS, REFERENCE, PLAIN, CONSTANT = "scoring-server", "reference", "plain pipeline", "constant"
Report = dict[str, Any]


def markdown(report: Report) -> str:
    """Two tables: against the peers, and growing with the originals."""
    peers = report["peers"]
    settings = report["settings"]
    lines = [
        f"BANKING77, {report['originals']} originals, {settings['duplicates']} duplicates each.",
        f"{settings['cores']} cores, {settings['connections']} connections, median of",
        f"{settings['rounds']} interleaved rounds of {settings['seconds']} s.",
        "",
        "| | training s | Acc@1 | in process ms | requests/s | p50 ms | p99 ms | start s | MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in peers.items():
        accuracy = "" if row["accuracyAt1"] is None else f"{row['accuracyAt1']:.3f}"
        lines.append(
            f"| {name} | {row['trainingSeconds']:.1f} | {accuracy} "
            f"| {row['inProcessMilliseconds']:.3f} | {row['requestsPerSecond']:.0f} "
            f"| {row['p50Milliseconds']:.1f} | {row['p99Milliseconds']:.1f} "
            f"| {row['startSeconds']:.2f} | {row['memoryMegabytes']:.0f} |"
        )
    ours, reference = peers[OURS], peers[REFERENCE]
    faster = reference["inProcessMilliseconds"] / ours["inProcessMilliseconds"]
    rate = ours["requestsPerSecond"] / reference["requestsPerSecond"]
    share = ours["requestsPerSecond"] / peers[CONSTANT]["requestsPerSecond"]
    lines += [
        "",
        f"Scoring is {faster:.0f} times as fast as the reference (bar: 100), its requests/s are",
        f"{rate:.0f} times the reference's (bar: 20), {share:.0%} of the constant's (bar: 80 %).",
        "",
        "| originals | training s | artefact MB | load ms | p50 ms | p99 ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['originals']:,} | {row['trainingSeconds']:.1f} | {row['artefactMegabytes']:.1f} "
        f"| {row['loadMilliseconds']:.1f} | {row['p50Milliseconds']:.2f} "
        f"| {row['p99Milliseconds']:.2f} |"
        for row in report["scaling"]
    ]
    return "\n".join(lines) + "\n"


def plot(report: Report, path: Path) -> None:
    """Requests per second of all, and the time of one question by the number of originals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    rates, growth = figure.subplots(1, 2)
    names = list(report["peers"])
    rates.barh(names, [report["peers"][name]["requestsPerSecond"] for name in names])
    rates.set(title="Requests per second", xscale="log")
    rates.invert_yaxis()
    counts = [row["originals"] for row in report["scaling"]]
    growth.plot(counts, [row["p50Milliseconds"] for row in report["scaling"]], marker="o")
    growth.set(title="One question, top 3", xscale="log", yscale="log", xlabel="originals")
    growth.set_ylabel("ms")
    growth.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
