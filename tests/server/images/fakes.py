"""A backend whose behaviour a test decides."""

import threading

import numpy as np
from numpy.typing import NDArray


class ColourBackend:
    """Logits are the channels' means, as the tiny model's; it can be made to wait or to fail."""

    name = "fake"
    precision = "f64"
    device = "cpu"
    max_batch = 4
    batch_sizes = (1, 2, 4)

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
        assert self.go_on.wait(10)
        if self.error is not None:
            raise self.error
        if self.result is not None:
            return self.result
        means: NDArray[np.float32] = (batch.mean(axis=(1, 2)) / 10).astype(np.float32)
        return means
