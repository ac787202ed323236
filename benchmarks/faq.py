"""FAQ matching against its peers, in one run and interleaved.

    pip install --require-hashes -r benchmarks/requirements-faq.txt
    python -m benchmarks.faq --output benchmarks

Needs the public test data (SCORING_TEST_DATA). Writes faq.json, faq.md and faq.svg.
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
from pathlib import Path

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no types

from benchmarks import faq_peers, faq_scaling, faq_servers
from benchmarks.faq_report import CONSTANT, OURS, PLAIN, REFERENCE, Report, markdown, plot
from scoring_server.faq.data import read_originals, read_questions
from scoring_server.faq.serving import load
from scoring_server.faq.training.run import train
from tests.datasets import write_banking77


def main() -> None:
    """Run everything and write the report."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        report = _run(options, Path(folder))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "faq.json").write_text(json.dumps(report, indent=2) + "\n")
    (options.output / "faq.md").write_text(markdown(report))
    plot(report, options.output / "faq.svg")
    print(markdown(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--duplicates", type=int, default=5, help="per original; default: 5")
    parser.add_argument("--trees", type=int, default=1000, help="of the reference; default: 1000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load a round and server")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--scaling", type=int, nargs="*", default=[100, 1_000, 10_000, 100_000], metavar="N"
    )
    return parser.parse_args()


def _run(options: argparse.Namespace, folder: Path) -> Report:
    files = write_banking77(folder / "data", options.duplicates, seed=0)
    originals = read_originals(files.originals)
    duplicates = read_questions(files.duplicates, originals.ids)
    test = read_questions(files.test, originals.ids)
    step = max(1, len(test.texts) // options.questions)
    questions, truth = test.texts[::step], test.originals[::step]
    data = (originals.texts, duplicates.texts, [o or 0 for o in duplicates.originals])

    _say("training")
    seconds: dict[str, float] = {}
    model = folder / "model"
    started = time.perf_counter()
    train(files.originals, files.duplicates, model, name="benchmark", seed=0)
    seconds[OURS] = time.perf_counter() - started
    peers: dict[str, faq_peers.Peer] = {}
    for name, make in _peers(data, options.trees).items():
        started = time.perf_counter()
        peers[name] = make()
        seconds[name] = time.perf_counter() - started
        faq_peers.save(peers[name], folder / f"{name}.pickle")

    _say("in process")
    with threadpool_limits(limits=1):
        in_process = _in_process(model, peers, questions, options.rounds)
    ranker = load(model)
    rankings = {OURS: [[m.original_id - 1 for m in r.matches] for r in ranker.rank(questions)]}  # type: ignore[operator]  # numbers, as the data has them
    for name in (REFERENCE, PLAIN):
        rankings[name] = [[row[0] for row in peers[name].rank(q)] for q in questions]
    accuracy = {
        name: statistics.fmean(r[0] == t for r, t in zip(ranked, truth, strict=True))
        for name, ranked in rankings.items()
    }
    served = _served(options, folder, model, questions)
    scaling = []
    for count in options.scaling:
        _say(f"{count} originals")
        place = folder / f"scaling-{count}"
        with threadpool_limits(limits=1):
            scaling.append(faq_scaling.measure(count, duplicates.texts, questions, place))
    return {
        "settings": {k: str(v) for k, v in vars(options).items() if k != "output"},
        "originals": len(originals.ids),
        "peers": {
            name: {
                "trainingSeconds": seconds[name],
                "accuracyAt1": accuracy.get(name),
                "inProcessMilliseconds": in_process[name],
                **served[name],
            }
            for name in (OURS, REFERENCE, PLAIN, CONSTANT)
        },
        "scaling": scaling,
    }


def _peers(
    data: tuple[list[str], list[str], list[int]], trees: int
) -> Mapping[str, Callable[[], faq_peers.Peer]]:
    return {
        REFERENCE: lambda: faq_peers.Reference(*data, trees),
        PLAIN: lambda: faq_peers.Plain(*data),
        CONSTANT: lambda: faq_peers.Constant(len(data[0])),
    }


def _in_process(
    model: Path, peers: Mapping[str, faq_peers.Peer], questions: Sequence[str], rounds: int
) -> dict[str, float]:
    """Milliseconds a question, the whole ranking; the median of interleaved rounds."""
    ranker = load(model)
    rank: dict[str, Callable[[str], object]] = {OURS: lambda q: ranker.rank([q])}
    rank |= {name: peer.rank for name, peer in peers.items()}
    times: dict[str, list[float]] = {name: [] for name in rank}
    for _ in range(rounds):
        for name, ask in rank.items():
            started = time.perf_counter()
            for question in questions:
                ask(question)
            times[name].append((time.perf_counter() - started) / len(questions) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def _served(
    options: argparse.Namespace, folder: Path, model: Path, questions: Sequence[str]
) -> dict[str, dict[str, float]]:
    """All servers up at once, but only one under load at a time."""
    bodies = folder / "bodies.json"
    bodies.write_text(json.dumps([json.dumps({"input": question}) for question in questions]))
    with ExitStack() as stack:
        _say("starting the servers")
        cores = options.cores
        log = folder / "server.log"
        constant = folder / f"{CONSTANT}.pickle"
        servers = {OURS: stack.enter_context(faq_servers.ours(model, cores, log))}
        for name, threads in ((REFERENCE, 1), (PLAIN, 1), (CONSTANT, 8)):
            path = constant if name == CONSTANT else folder / f"{name}.pickle"
            server = faq_servers.peer(path, cores, folder / f"{name}.log", threads=threads)
            servers[name] = stack.enter_context(server)
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
        for number in range(options.rounds):
            _say(f"over HTTP, round {number + 1} of {options.rounds}")
            for name, server in servers.items():
                load_run = [sys.executable, "-m", "benchmarks.faq_load", str(server.port)]
                load_run += [str(options.connections), str(options.seconds), str(bodies)]
                done = subprocess.run(
                    load_run, cwd=faq_servers.ROOT, check=True, stdout=subprocess.PIPE, text=True
                )
                rounds[name].append(json.loads(done.stdout))
        return {
            name: {
                **{
                    key: statistics.median(measured[key] for measured in rounds[name])
                    for key in rounds[name][0]
                },
                "startSeconds": server.start_seconds,
                "memoryMegabytes": server.memory_megabytes(),
            }
            for name, server in servers.items()
        }


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
