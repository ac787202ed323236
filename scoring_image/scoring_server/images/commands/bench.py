"""`scoring-image bench`: what this machine computes in-process, by precision, threads and batch."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from scoring_server.batching import run
from scoring_server.images.classifier import PLACES, ImageClassifier
from scoring_server.images.commands.model import Model
from scoring_server.images.serving import load

_DEADLINE_SECONDS: Final = 300.0
# So many rounds at least; the median of them counts.
_ROUNDS: Final = 3


@dataclass(frozen=True)
class Rate:
    """Inference alone, on pictures that are decoded already.

    Attributes:
        compute: backend and precision.
        milliseconds: of one batch, the median.
    """

    compute: str
    threads: int
    batch: int
    images_per_second: float
    milliseconds: float


@dataclass(frozen=True)
class PipelineRate:
    """Decoding, preprocessing, queueing and inference, without HTTP: the limit of a server."""

    clients: int
    images_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float


def bench(
    model: Model,
    computes: Sequence[str],
    threads: Sequence[int],
    batches: Sequence[int],
    seconds: float,
) -> Iterator[Rate]:
    """Measure every combination, for so many seconds each.

    Raises:
        ModelLoadError: the model cannot be loaded.
    """
    size = model.spec.preprocessing.size
    pictures = np.random.default_rng(0).integers(0, 256, (max(batches), size, size, 3), np.uint8)
    for compute in computes:
        for count in threads:
            for batch in batches:
                # Its largest batch is the one to be measured: others would be computed in parts.
                backend = model.backend(compute, threads=count, max_batch=batch)
                backend.infer(pictures[:batch])
                times: list[float] = []
                while sum(times) < seconds or len(times) < _ROUNDS:
                    started = time.perf_counter()
                    backend.infer(pictures[:batch])
                    times.append(time.perf_counter() - started)
                median = statistics.median(times)
                yield Rate(
                    model.label(compute, backend), count, batch, batch / median, median * 1e3
                )


def bench_pipeline(
    directory: Path,
    images: Sequence[bytes],
    clients: Sequence[int],
    seconds: float,
    *,
    device: str,
    threads: int,
) -> Iterator[PipelineRate]:
    """Measure what a server does with images but for HTTP, with so many callers at once.

    Raises:
        ModelLoadError: the model cannot be loaded.
        NamedImageRefused: one of the images is none.
    """
    places = max(PLACES, *clients)
    classifier = load(directory, device=device, threads=threads, places=places).classifier
    classifier.start()
    for count in clients:
        latencies, elapsed = _drive(classifier, images, count, seconds)
        cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else latencies * 99
        yield PipelineRate(count, len(latencies) / elapsed, cuts[49] * 1e3, cuts[98] * 1e3)
    classifier.close(_DEADLINE_SECONDS)


def _drive(
    classifier: ImageClassifier, images: Sequence[bytes], clients: int, seconds: float
) -> tuple[list[float], float]:
    """The latencies of all calls, and how long all took."""
    started = time.perf_counter()

    def client(number: int) -> list[float]:
        latencies: list[float] = []
        while (before := time.perf_counter()) < started + seconds or not latencies:
            image = images[(number + len(latencies)) % len(images)]
            run(classifier.classify({"image": image}, time.monotonic() + _DEADLINE_SECONDS))
            latencies.append(time.perf_counter() - before)
        return latencies

    with ThreadPoolExecutor(clients) as pool:
        latencies = [x for found in pool.map(client, range(clients)) for x in found]
    return latencies, time.perf_counter() - started


def table(rates: Sequence[Rate]) -> Iterator[str]:
    """Images a second, as Markdown: a row for each way and number of threads."""
    batches = sorted({rate.batch for rate in rates})
    yield "| images/s | threads |" + "".join(f" batch {batch} |" for batch in batches)
    yield "| --- | --- |" + " --- |" * len(batches)
    found = {(r.compute, r.threads, r.batch): r.images_per_second for r in rates}
    for compute, threads in dict.fromkeys((r.compute, r.threads) for r in rates):
        cells = (f" {found[compute, threads, batch]:.1f} |" for batch in batches)
        yield f"| {compute} | {threads} |" + "".join(cells)


def pipeline_table(rates: Sequence[PipelineRate]) -> Iterator[str]:
    """The whole pipeline, as Markdown."""
    yield "| whole pipeline, callers | images/s | p50 ms | p99 ms |"
    yield "| --- | --- | --- | --- |"
    for rate in rates:
        yield (
            f"| {rate.clients} | {rate.images_per_second:.1f} | {rate.p50_milliseconds:.1f} "
            f"| {rate.p99_milliseconds:.1f} |"
        )


def document(rates: Sequence[Rate], pipeline: Sequence[PipelineRate]) -> dict[str, Any]:
    """All figures, for JSON."""
    return {"inference": [asdict(r) for r in rates], "pipeline": [asdict(r) for r in pipeline]}


def plot(rates: Sequence[Rate], path: Path) -> None:
    """Images a second by batch size, a line for each way and number of threads.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.figure import Figure  # an extra: the serving images have none

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for compute, threads in dict.fromkeys((r.compute, r.threads) for r in rates):
        line = [r for r in rates if (r.compute, r.threads) == (compute, threads)]
        axes.plot(
            [r.batch for r in line],
            [r.images_per_second for r in line],
            marker="o",
            label=f"{compute}, {threads} thread{'s' if threads > 1 else ''}",
        )
    axes.set(xlabel="batch", ylabel="images/s", title="In-process limit")
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def drive_progress(rates: Iterator[Rate], say: Callable[[str], None]) -> list[Rate]:
    """Collect the rates, telling each as it comes."""
    collected = []
    for rate in rates:
        say(
            f"{rate.compute}, {rate.threads} threads, batch {rate.batch}: "
            f"{rate.images_per_second:.1f} images/s"
        )
        collected.append(rate)
    return collected
