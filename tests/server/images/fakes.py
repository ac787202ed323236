"""A backend whose behaviour a test decides."""

import threading

import numpy as np
from numpy.typing import NDArray

from scoring_server.images.backends import device_of
from scoring_server.images.calibration import Calibration
from scoring_server.images.classifier import ImageClassifier, picture_batcher
from tests.server.colour_model import LABELS, SPEC


class ColourBackend:
    """Logits are the channels' means, as the tiny model's; it can be made to wait or to fail."""

    name = "fake"
    precision = "f64"
    device = "cpu"
    max_batch = 4
    batch_sizes = (1, 2, 4)
    lanes = 1

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.computing = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self.result: NDArray[np.float32] | None = None

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(len(batch))
        self.computing.set()
        assert self.go_on.wait(60)
        if self.error is not None:
            raise self.error
        if self.result is not None:
            return self.result
        means: NDArray[np.float32] = (batch.mean(axis=(1, 2)) / 10).astype(np.float32)
        return means


def classifier_of(
    backend: ColourBackend, *, decoders: int = 2, max_batch: int | None = None
) -> ImageClassifier:
    """A classifier that computes with it in this process; its batcher is still to be started."""
    calibration = Calibration(max_batch or backend.max_batch, max_batch is not None, {})
    return ImageClassifier(
        picture_batcher(backend, max_batch=calibration.max_batch),
        device_of(backend),
        LABELS,
        SPEC.preprocessing,
        decoders=decoders,
        calibration=calibration,
    )
