"""Image servers against one another and against this machine's own limit, interleaved in one run.

    python -m benchmarks.images --output benchmarks
    python -m benchmarks.images --short

The second takes a few minutes and shows that all of it works; the first is for a quiet machine.
Both print Markdown; with --output images.json, images.md and images.svg are written too. Each peer
runs in an environment of its own in the cache. The networks have random weights: only speed is
measured.
"""

import argparse
import base64
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.images_report import LIMIT, Report, markdown, plot
from benchmarks.images_servers import KINDS, ROOT, Kind, Running, prepare
from scoring_server.images.export.command import run_export
from tests.server.colour_model import write_colour_model

_NETWORK = "resnet152"
_TINY = "tiny"
_GOOD_FOR_EACH_BAD = 4


def main() -> None:
    """Run everything and print the report."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        report = _run(options, Path(folder))
    print(markdown(report))


def _write(report: Report, output: Path | None) -> None:
    """After each model: a server that fails later costs nothing of what was measured."""
    if output is None:
        return
    output.mkdir(parents=True, exist_ok=True)
    (output / "images.json").write_text(json.dumps(report, indent=2) + "\n")
    (output / "images.md").write_text(markdown(report))
    plot(report, output / "images.svg")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, metavar="DIR")
    parser.add_argument("--short", action="store_true", help="one round of 2 s, clients 1 and 16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="a round, server and clients")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--models", nargs="+", default=[_NETWORK, _TINY], choices=[_NETWORK, _TINY])
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the servers")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.seconds, options.clients = 1, 2.0, [1, 16]
    return options


def _run(options: argparse.Namespace, folder: Path) -> Report:
    kinds = [kind for kind in KINDS if options.only is None or kind.name in options.only]
    programs = {kind.name: prepare(kind, _say) for kind in kinds}
    report: Report = {
        "settings": {
            "cores": options.cores,
            "rounds": options.rounds,
            "seconds": options.seconds,
            "clients": options.clients,
            "when": time.strftime("%Y-%m-%d"),
        },
        "models": {},
    }
    for name in options.models:
        _say(f"{name}: making the model")
        model = _make(name, folder / name)
        # The tiny model is no network that torch could build.
        served = [kind for kind in kinds if name == _NETWORK or not kind.torch]
        report["models"][name] = _measure(
            name, model, served, programs, options, folder / f"{name}-servers"
        )
        _write(report, options.output)
    return report


def _make(name: str, directory: Path) -> Path:
    if name == _TINY:
        return write_colour_model(directory)
    run_export(
        architecture=name,
        weights="random",
        sha256=None,
        seed=0,
        fallback=None,
        labels_file=None,
        preprocessing="reference",
        formats=["openvino", "safetensors"],
        directory=directory,
        say=lambda _text: None,
    )
    return directory


def _measure(
    name: str,
    model: Path,
    kinds: Sequence[Kind],
    programs: dict[str, Path],
    options: argparse.Namespace,
    folder: Path,
) -> dict[str, Any]:
    """All servers are up, but only one is under load at a time."""
    image = photograph(500 if name == _NETWORK else 64)
    folder.mkdir(parents=True)
    (folder / "image.jpg").write_bytes(image)
    found: dict[str, dict[int, list[dict[str, float]]]] = {
        row: {clients: [] for clients in options.clients}
        for row in (LIMIT, *(kind.name for kind in kinds))
    }
    facts: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        servers: list[Running] = []
        for number, kind in enumerate(kinds):
            _say(f"{name}: starting {kind.name}")
            place = folder / f"server-{number}"
            running = Running(kind, programs[kind.name], model, options.cores, place)
            servers.append(stack.enter_context(running))
            _write_requests(folder / f"{number}.json", kind, image, bad=False)
            _load(running, 1, 1.0, folder / f"{number}.json")  # whatever is made once, is made now
        for round_number in range(options.rounds):
            for clients in options.clients:
                _say(f"{name}: round {round_number + 1} of {options.rounds}, {clients} clients")
                found[LIMIT][clients].append(_limit(model, folder, clients, options))
                for number, server in enumerate(servers):
                    seconds = options.seconds
                    measured = _load(server, clients, seconds, folder / f"{number}.json")
                    found[server.kind.name][clients].append(measured)
        for server in servers:
            _say(f"{name}: bad images among good ones, {server.kind.name}")
            memory = server.memory_megabytes()
            _write_requests(folder / "mixed.json", server.kind, image, bad=True)
            mixed = _load(server, 16, min(options.seconds, 5.0), folder / "mixed.json")
            facts[server.kind.name] = {
                "startSeconds": server.start_seconds,
                "memoryMegabytes": memory,
                "goodFailedBesideBad": mixed["goodFailed"],
                "goodBesideBad": mixed["answered"] + mixed["goodFailed"],
                "badAccepted": mixed["badAccepted"],
            }
    return {
        "rates": {
            row: {str(clients): _median(rounds) for clients, rounds in by_clients.items()}
            for row, by_clients in found.items()
        },
        "facts": facts,
        "imageBytes": len(image),
    }


def _median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(measured[key] for measured in rounds) for key in rounds[0]}


def _limit(
    model: Path, folder: Path, clients: int, options: argparse.Namespace
) -> dict[str, float]:
    """Decoding, queueing and inference without HTTP."""
    figures = folder / "limit.json"
    program = str(Path(sys.executable).with_name("scoring-image"))
    command = [program, "bench", "--model", str(model), "--images", str(folder)]
    command += ["--batch", "1", "--threads", str(options.cores), "--clients", str(clients)]
    command += ["--seconds", str(options.seconds), "--json", str(figures)]
    # Inference alone is not asked for, but comes first: keep it short.
    command += ["--inference-seconds", "0.1"]
    subprocess.run(command, check=True, capture_output=True)
    (rate,) = json.loads(figures.read_text())["pipeline"]
    return {
        "imagesPerSecond": rate["images_per_second"],
        "p50Milliseconds": rate["p50_milliseconds"],
        "p99Milliseconds": rate["p99_milliseconds"],
    }


def _load(server: Running, clients: int, seconds: float, requests: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.images_load", str(server.port), server.kind.path]
    before = server.cpu_seconds()
    done = subprocess.run(
        [*command, str(clients), str(seconds), str(requests)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    used = server.cpu_seconds() - before
    return measured | {"cpuSecondsPerImage": used / max(1.0, measured["answered"])}


def _write_requests(path: Path, kind: Kind, image: bytes, *, bad: bool) -> None:
    good = [_request(kind, image, good=True)]
    broken = image[: len(image) // 2]
    requests = good * _GOOD_FOR_EACH_BAD + [_request(kind, broken, good=False)] if bad else good
    path.write_text(json.dumps(requests))


def _request(kind: Kind, image: bytes, *, good: bool) -> dict[str, Any]:
    content_type, body = kind.request(image)
    return {"type": content_type, "body": base64.b64encode(body).decode(), "good": good}


def photograph(width: int) -> bytes:
    """A JPEG with about as many bytes as a photograph of this size has."""
    height = width * 3 // 4
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / width * k + y / height * (17 - k)) for k in (5, 9, 13)]
    noise = np.random.default_rng(0).normal(0, 12, (height, width, 3))
    picture = Image.fromarray((np.stack(waves, axis=2) + noise).clip(0, 255).astype(np.uint8))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
