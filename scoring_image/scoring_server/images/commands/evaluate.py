"""`scoring-image evaluate`: how often a model is right, and how far ways to compute it agree."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring_server.images.classifier import best
from scoring_server.images.commands.model import Model
from scoring_server.images.decode import decode
from scoring_server.images.errors import ImageRefused
from scoring_server.images.evaluate import Accuracy, class_key, class_of, judge
from scoring_server.images.spec import RANDOM_WEIGHTS

_BATCH: Final = 8
_LONGEST_LABEL: Final = len(", openvino int8, rest bf16 ")


@dataclass(frozen=True)
class Evaluation:
    """One model computed in one way.

    Attributes:
        name: model, backend and precision.
        first: the index of the best class of each readable image.
        seconds: of inference alone.
    """

    name: str
    accuracy: Accuracy
    first: tuple[int, ...]
    seconds: float


def evaluate(
    models: Sequence[Path], computes: Sequence[str], images: Sequence[Path], *, threads: int
) -> Iterator[str]:
    """A table, a line for each model and way to compute; the first is what the others agree with.

    Raises:
        ModelLoadError: a model cannot be loaded.
    """
    reference: Evaluation | None = None
    opened = [Model.open(directory) for directory in models]
    titles = _titles(models, opened)
    width = max(map(len, titles)) + _LONGEST_LABEL
    for model, title in zip(opened, titles, strict=True):
        pictures, refused = _read(model, images)
        if reference is None:
            yield from refused
            yield f"{len(images)} images"
            yield f"{'':<{width}}{'top-1':>14}{'top-3':>14}{'same first':>12}{'images/s':>10}"
        for compute in computes:
            found = _evaluate(model, title, compute, images, pictures, threads)
            reference = reference or found
            yield _line(found, reference, width)


def _titles(directories: Sequence[Path], models: Sequence[Model]) -> list[str]:
    """What the table calls them: several of one name by their folders."""
    names = [model.artefact.manifest.name for model in models]
    return [
        (name if names.count(name) == 1 else f"{directory}: {name}")
        + (" (random weights)" if model.artefact.manifest.weights == RANDOM_WEIGHTS else "")
        for directory, model, name in zip(directories, models, names, strict=True)
    ]


def _read(model: Model, images: Sequence[Path]) -> tuple[dict[Path, NDArray[np.uint8]], list[str]]:
    way = model.spec.preprocessing
    pictures: dict[Path, NDArray[np.uint8]] = {}
    refused = []
    for path in images:
        try:
            pictures[path] = way.apply(decode(path.read_bytes(), draft_side=way.draft_side))
        except (ImageRefused, OSError) as error:
            refused.append(f"{path}: {error}")
    return pictures, refused


def _evaluate(
    model: Model,
    title: str,
    compute: str,
    images: Sequence[Path],
    pictures: dict[Path, NDArray[np.uint8]],
    threads: int,
) -> Evaluation:
    backend = model.backend(compute, threads=threads, max_batch=_BATCH)
    inputs = list(pictures.values())
    if inputs:
        backend.infer(np.stack(inputs[:_BATCH]))  # warms it
    started = time.perf_counter()
    rows = [
        row
        for start in range(0, len(inputs), _BATCH)
        for row in backend.infer(np.stack(inputs[start : start + _BATCH]))
    ]
    seconds = time.perf_counter() - started
    logits = dict(zip(pictures, rows, strict=True))
    keys = {class_key(label) for label in model.labels}
    accuracy = judge(
        # An image that was refused counts as wrong.
        (class_of(path, keys) or "", best(logits[path], model.labels) if path in logits else ())
        for path in images
    )
    first = tuple(int(row.argmax()) for row in rows)
    return Evaluation(f"{title}, {model.label(compute, backend)}", accuracy, first, seconds)


def _line(found: Evaluation, reference: Evaluation, width: int) -> str:
    accuracy = found.accuracy
    same = sum(a == b for a, b in zip(found.first, reference.first, strict=True))
    rate = len(found.first) / found.seconds if found.first else 0.0
    return (
        f"{found.name:<{width}}{_share(accuracy.top1, accuracy.images):>14}"
        f"{_share(accuracy.top3, accuracy.images):>14}{f'{same} of {len(found.first)}':>12}"
        f"{rate:>10.1f}"
    )


def _share(right: int, images: int) -> str:
    return f"{right / images:.3f} ({right})"
