"""FAQ matching against its peers, in one run and interleaved.

    make benchmark-faq

or, with the packages of requirements-faq.txt installed, `python -m benchmarks.faq`. Takes about ten
minutes; `--quick` takes one and says less. Prints Markdown for README.md and writes faq.json and
faq.svg beside it. The FAQ is BANKING77 from the public test data (SCORING_TEST_DATA), or another
one that `scoring-faq prepare` wrote.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import faq_peers, faq_scaling, faq_servers
from benchmarks.faq_report import CONSTANT, OURS, PLAIN, REFERENCE, Report, markdown, plot
from scoring_server.faq.data import Questions, read_originals, read_questions
from scoring_server.faq.serving import load
from scoring_server.faq.training.run import train
from tests.datasets import FaqFiles, data_directory, write_banking77

_STARTED = time.monotonic()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run everything and write the report."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = _run(options, Path(folder))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "faq.json").write_text(json.dumps(report, indent=2) + "\n")
    plot(report, options.output / "faq.svg")
    _say(f"wrote faq.json and faq.svg to {options.output}")
    print(markdown(report, "faq.svg"))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, metavar="DIR")
    parser.add_argument(
        "--faq", type=Path, metavar="DIR", help="what `scoring-faq prepare` wrote; else BANKING77"
    )
    parser.add_argument("--quick", action="store_true", help="few questions, rounds and originals")
    parser.add_argument("--without-reference", action="store_true", help="needs no LightGBM")
    parser.add_argument("--duplicates", type=int, default=5, help="of BANKING77, per original: 5")
    parser.add_argument("--trees", type=int, default=1000, help="of the reference: 1000")
    parser.add_argument("--rounds", type=int, help="interleaved: 5")
    parser.add_argument("--seconds", type=float, help="of load a round and server: 5")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--questions", type=int, help="of the test: 200")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--scaling", type=int, nargs="*", metavar="N", help="originals: 100 1000 10000 100000"
    )
    options = parser.parse_args(arguments)
    usual = {"rounds": 5, "seconds": 5.0, "questions": 200}
    quick = {"rounds": 2, "seconds": 2.0, "questions": 50}
    for name, value in (quick if options.quick else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.scaling is None:
        options.scaling = [100, 1_000] if options.quick else [100, 1_000, 10_000, 100_000]
    if not options.without_reference and find_spec("lightgbm") is None:
        parser.error("the reference needs LightGBM: `make benchmark-faq`, or --without-reference")
    if options.faq is None and data_directory() is None:
        parser.error("BANKING77 is not there: set SCORING_TEST_DATA, or give another --faq")
    return options


def _run(options: argparse.Namespace, folder: Path) -> Report:
    files = _files(options, folder / "data")
    originals = read_originals(files.originals)
    duplicates = read_questions(files.duplicates, originals.ids)
    questions, truth = _asked(files, originals.ids, options.questions)
    data = (originals.texts, duplicates.texts, [o or 0 for o in duplicates.originals])

    seconds: dict[str, float] = {}
    model = folder / "model"
    _say(f"training {OURS}")
    started = time.perf_counter()
    train(files.originals, files.duplicates, model, name="benchmark", seed=0)
    seconds[OURS] = time.perf_counter() - started
    peers: dict[str, faq_peers.Peer] = {}
    saved: dict[str, Path] = {}
    for name, make in _peers(data, options).items():
        _say(f"training {name}")
        started = time.perf_counter()
        peers[name] = make()
        seconds[name] = time.perf_counter() - started
        saved[name] = faq_peers.save(peers[name], folder, name)

    with threadpool_limits(limits=1):
        in_process = _in_process(model, peers, questions, options.rounds)
    accuracy = _accuracy(model, peers, questions, truth)
    served = _served(options, folder, model, questions, saved)
    loads = []
    for _ in range(5):
        started = time.perf_counter()
        load(model)
        loads.append((time.perf_counter() - started) * 1e3)
    scaling = []
    for count in options.scaling:
        _say(f"{count:,} originals")
        place = folder / f"scaling-{count}"
        with threadpool_limits(limits=1):
            scaling.append(faq_scaling.measure(count, duplicates.texts, questions, place))
    keys = ("rounds", "seconds", "connections", "cores", "trees")
    return {
        "settings": {key: getattr(options, key) for key in keys},
        "data": "BANKING77" if options.faq is None else options.faq.name,
        "originals": len(originals.ids),
        "duplicates": len(duplicates.texts),
        "loadMilliseconds": statistics.median(loads),
        "peers": {
            name: {
                "trainingSeconds": seconds[name],
                "accuracyAt1": accuracy.get(name),
                "inProcessMilliseconds": in_process[name],
                **served[name],
            }
            for name in seconds
        },
        "scaling": scaling,
    }


def _files(options: argparse.Namespace, folder: Path) -> FaqFiles:
    if options.faq is None:
        return write_banking77(folder, options.duplicates, seed=0)
    given: Path = options.faq
    return FaqFiles(given / "originals.csv", given / "duplicates.csv", given / "test.csv")


def _asked(
    files: FaqFiles, originals: Sequence[int | str], wanted: int
) -> tuple[list[str], list[int]]:
    """Questions that have an answer, spread evenly over the test, and their originals."""
    test: Questions = read_questions(files.test, originals, unanswered=True)
    known = [(t, o) for t, o in zip(test.texts, test.originals, strict=True) if o is not None]
    chosen = known[:: max(1, len(known) // wanted)]
    return [text for text, _ in chosen], [original for _, original in chosen]


def _peers(
    data: tuple[list[str], list[str], list[int]], options: argparse.Namespace
) -> Mapping[str, Callable[[], faq_peers.Peer]]:
    peers: dict[str, Callable[[], faq_peers.Peer]] = {
        REFERENCE: lambda: faq_peers.Reference(*data, options.trees),
        PLAIN: lambda: faq_peers.Plain(*data),
        CONSTANT: lambda: faq_peers.Constant(len(data[0])),
    }
    if options.without_reference:
        del peers[REFERENCE]
    return peers


def _in_process(
    model: Path, peers: Mapping[str, faq_peers.Peer], questions: Sequence[str], rounds: int
) -> dict[str, float]:
    """Milliseconds a question, the whole ranking: of each question the median of the rounds."""
    ranker = load(model)
    rank: dict[str, Callable[[str], object]] = {OURS: lambda q: ranker.rank([q])}
    rank |= {name: peer.rank for name, peer in peers.items()}
    times = {name: np.zeros((rounds, len(questions))) for name in rank}
    for number in range(rounds):
        _say(f"in process, round {number + 1} of {rounds}")
        for name, ask in rank.items():
            for place, question in enumerate(questions):
                started = time.perf_counter()
                ask(question)
                times[name][number, place] = (time.perf_counter() - started) * 1e3
    return {name: float(np.median(taken, axis=0).mean()) for name, taken in times.items()}


def _accuracy(
    model: Path,
    peers: Mapping[str, faq_peers.Peer],
    questions: Sequence[str],
    truth: Sequence[int],
) -> dict[str, float]:
    """The share of first answers that are right, of all that rank."""
    ranker = load(model)
    best = {OURS: ranker.logits(questions).argmax(axis=1).tolist()}
    for name, peer in peers.items():
        if name != CONSTANT:
            best[name] = [peer.rank(question)[0][0] for question in questions]
    return {
        name: statistics.fmean(b == t for b, t in zip(found, truth, strict=True))
        for name, found in best.items()
    }


def _served(
    options: argparse.Namespace,
    folder: Path,
    model: Path,
    questions: Sequence[str],
    peers: Mapping[str, Path],
) -> dict[str, dict[str, float]]:
    """All servers up at once, but only one under load at a time."""
    bodies = folder / "bodies.json"
    bodies.write_text(json.dumps([json.dumps({"input": question}) for question in questions]))
    with ExitStack() as stack:
        _say("starting the servers")
        servers = {
            OURS: stack.enter_context(faq_servers.ours(model, options.cores, folder / "server.log"))
        }
        for name, path in peers.items():
            log = folder / f"{name}.log"
            # The constant route keeps its connections as ours does; the others are served with
            # gunicorn's defaults, as the reference is.
            threads = 8 if name == CONSTANT else 1
            server = faq_servers.peer(path, options.cores, log, threads=threads)
            servers[name] = stack.enter_context(server)
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
        for number in range(options.rounds):
            _say(f"over HTTP, round {number + 1} of {options.rounds}")
            for name, server in servers.items():
                rounds[name].append(_load(server, options, bodies))
        return {
            name: {
                **{
                    key: statistics.median(measured[key] for measured in rounds[name])
                    for key in rounds[name][0]
                },
                "startSeconds": server.start_seconds,
                "memoryMegabytes": server.memory_megabytes(),
                "workerMegabytes": server.worker_megabytes(),
            }
            for name, server in servers.items()
        }


def _load(
    server: faq_servers.Server, options: argparse.Namespace, bodies: Path
) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.faq_load", str(server.port)]
    command += [str(options.connections), str(options.seconds), str(bodies)]
    done = subprocess.run(
        command, cwd=faq_servers.ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _say(what: str) -> None:
    print(f"{time.monotonic() - _STARTED:5.0f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
