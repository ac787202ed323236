"""The report of `benchmarks.images`: tables, bars and a diagram."""

from pathlib import Path
from typing import Any, Final

Report = dict[str, Any]

LIMIT: Final = "in-process limit"
_OURS: Final = ("scoring-server", "scoring-server, JSON")
_REFERENCE: Final = "the reference's way"
_AT: Final = "16"


def markdown(report: Report) -> str:
    """For each model the speeds, what they cost, and how far they are from the bars."""
    settings = report["settings"]
    how = (
        f"{settings['when']}, {settings['cores']} cores, no GPU; median of {settings['rounds']} "
        f"interleaved rounds of {settings['seconds']:g} s; the peers batch up to 4 images and wait "
        "1 ms for them; OpenVINO behind all but the reference."
    )
    lines = [how]
    for name, measured in report["models"].items():
        lines += ["", f"### {_title(name, measured)}", ""]
        lines += _rates(measured, settings["clients"])
        lines += ["", *_facts(measured)]
        if _AT in measured["rates"][LIMIT]:
            lines += ["", *_bars(name, measured)]
    return "\n".join(lines) + "\n"


def _title(name: str, measured: Report) -> str:
    kilobytes = measured["imageBytes"] / 1e3
    what = "the server's own cost" if name == "tiny" else f"{name}, random weights"
    return f"{'A tiny model: ' if name == 'tiny' else ''}{what}, JPEGs of {kilobytes:.0f} kB"


def _rates(measured: Report, clients: list[int]) -> list[str]:
    lines = [
        "| images/s (p50 / p99 ms) |" + "".join(f" {count} clients |" for count in clients),
        "| --- |" + " --- |" * len(clients),
    ]
    for row, by_clients in measured["rates"].items():
        cells = []
        for count in clients:
            found = by_clients[str(count)]
            failed = f", {found['goodFailed']:.0f} failed" if found.get("goodFailed") else ""
            cells.append(
                f" {found['imagesPerSecond']:.1f} ({found['p50Milliseconds']:.0f} / "
                f"{found['p99Milliseconds']:.0f}{failed}) |"
            )
        lines.append(f"| {row} |" + "".join(cells))
    return lines


def _facts(measured: Report) -> list[str]:
    names = ("CPU ms an image (16 clients)", "memory MB", "ready s")
    head = ("", *names, "good requests failed beside bad ones")
    lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
    for row, facts in measured["facts"].items():
        by_clients = measured["rates"][row]
        at = by_clients.get(_AT) or next(iter(by_clients.values()))
        lines.append(
            f"| {row} | {at['cpuSecondsPerImage'] * 1e3:.1f} | {facts['memoryMegabytes']:.0f} "
            f"| {facts['startSeconds']:.1f} | {facts['goodFailedBesideBad']:.0f} of "
            f"{facts['goodBesideBad']:.0f} |"
        )
    return lines


def _bars(name: str, measured: Report) -> list[str]:
    rates = measured["rates"]
    ours = rates[_OURS[0]][_AT]
    peers = {row: found[_AT] for row, found in rates.items() if row not in {*_OURS, LIMIT}}
    reference = peers.pop(_REFERENCE, None)
    rate = ours["imagesPerSecond"]
    lines = []
    if peers:
        best = max(peers, key=lambda row: float(peers[row]["imagesPerSecond"]))
        bar = "1.3" if name == "tiny" else "1.08"
        ratio = rate / max(peers[best]["imagesPerSecond"], 1e-9)
        lines.append(f"- {ratio:.2f} times the best peer ({best}) at 16 clients; bar: {bar}")
    if name != "tiny":
        share = rate / rates[LIMIT][_AT]["imagesPerSecond"]
        spread = ours["p99Milliseconds"] / max(ours["p50Milliseconds"], 1e-9)
        lines.append(f"- {share:.0%} of the in-process limit at 16 clients; bar: 97 %")
        lines.append(f"- p99 is {spread:.2f} times p50 at 16 clients; bar: 1.3")
    if reference is not None:
        ratio = rate / max(reference["imagesPerSecond"], 1e-9)
        lines.append(f"- {ratio:.1f} times the reference's way at 16 clients; bar: 4")
    return lines


def plot(report: Report, path: Path) -> None:
    """Images a second by clients, a panel for each model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    clients = report["settings"]["clients"]
    panels = figure.subplots(1, len(report["models"]), squeeze=False)[0]
    for axes, (name, measured) in zip(panels, report["models"].items(), strict=True):
        for row, found in measured["rates"].items():
            rates = [found[str(count)]["imagesPerSecond"] for count in clients]
            style = "--" if row == LIMIT else "-"
            axes.plot(clients, rates, style, marker="o", label=row)
        axes.set(title=name, xlabel="clients", ylabel="images/s")
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})
