"""Loading an image model for serving."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring_server.artefact import open_artefact
from scoring_server.batching import BatchObserver, DeviceLost
from scoring_server.images.backends import Backend, device_of, open_backend
from scoring_server.images.calibration import Calibration
from scoring_server.images.classifier import PLACES, ImageClassifier, picture_batcher
from scoring_server.images.spec import KIND, ImageSpec, read_labels
from scoring_server.images.warming import warm


@dataclass(frozen=True)
class ImageModelInfo:
    """What /version says about an image model.

    Attributes:
        weights: "imagenet1k", "random", …
        digest: of model.json, which pins every other file.
        source: where the weights came from.
    """

    name: str
    weights: str
    digest: str
    source: str


@dataclass(frozen=True)
class WarmModel:
    """A model that has computed, and where it came from."""

    backend: Backend
    labels: tuple[str, ...]
    spec: ImageSpec
    calibration: Calibration
    info: ImageModelInfo


@dataclass(frozen=True)
class LoadedImageModel:
    """A classifier, whose batcher is still to be started, and where its model came from."""

    classifier: ImageClassifier
    info: ImageModelInfo


def load(
    directory: Path,
    *,
    device: str,
    threads: int,
    places: int = PLACES,
    max_batch: int | None = None,
    max_delay: float = 0.0,
    observer: BatchObserver | None = None,
    on_lost: Callable[[DeviceLost], None] | None = None,
) -> LoadedImageModel:
    """Verify, load and warm the model in a directory, to compute in this process.

    Args:
        directory: the artefact.
        device: "cpu" or "gpu".
        threads: how many threads inference on the CPU may use; as many images are decoded at once.
        places: how many images may be in the house at once.
        max_batch: the most images that are computed at once; None: the best for the hardware,
            by measurement.
        max_delay: how long an image may wait for others to fill its batch, seconds.
        observer: told about every batch.
        on_lost: told that the device is lost; nothing is classified after that.

    Raises:
        ModelLoadError: it cannot be served.
    """
    model = open_warm(directory, device=device, threads=threads, max_batch=max_batch)
    batcher = picture_batcher(
        model.backend,
        max_batch=model.calibration.max_batch,
        places=places,
        max_delay=max_delay,
        observer=observer,
        on_lost=on_lost,
    )
    classifier = ImageClassifier(
        batcher,
        device_of(model.backend),
        model.labels,
        model.spec.preprocessing,
        decoders=threads,
        calibration=model.calibration,
    )
    return LoadedImageModel(classifier, model.info)


def open_warm(
    directory: Path, *, device: str, threads: int, max_batch: int | None = None
) -> WarmModel:
    """Verify, load and warm the model in a directory; the arguments are those of load.

    Raises:
        ModelLoadError: it cannot be served.
    """
    artefact = open_artefact(directory, KIND)
    manifest = artefact.manifest
    spec = ImageSpec.from_details(manifest.details)
    labels = read_labels(artefact)
    backend = open_backend(
        artefact,
        spec,
        classes=len(labels),
        device=device,
        threads=threads,
        max_batch=max_batch,
    )
    calibration = warm(
        backend, classes=len(labels), size=spec.preprocessing.size, max_batch=max_batch
    )
    source = _source(manifest.created_by)
    info = ImageModelInfo(manifest.name, manifest.weights, artefact.digest, source)
    return WarmModel(backend, labels, spec, calibration, info)


def _source(created_by: Mapping[str, Any]) -> str:
    source = created_by.get("source")
    return source if isinstance(source, str) else "unknown"
