"""What all peers share: this project's decoder, preprocessing and OpenVINO backend.

So a difference between two servers is a difference of serving, not of computing.
"""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from scoring_server.images.classifier import best
from scoring_server.images.commands.model import Model
from scoring_server.images.decode import decode

MODEL_VARIABLE: Final = "IMAGE_BENCHMARK_MODEL"
THREADS_VARIABLE: Final = "IMAGE_BENCHMARK_THREADS"
PORT_VARIABLE: Final = "IMAGE_BENCHMARK_PORT"
# The batch that this server's own calibration takes for ResNet-152 on two cores, or more.
MAX_BATCH: Final = 4
DELAY_SECONDS: Final = 0.001


class Classifier:
    """The model that MODEL_VARIABLE names."""

    def __init__(self) -> None:
        self._model = Model.open(Path(os.environ[MODEL_VARIABLE]))
        threads = int(os.environ[THREADS_VARIABLE])
        self._backend = self._model.backend("openvino", threads=threads, max_batch=MAX_BATCH)
        side = self._model.spec.preprocessing.size
        for count in self._backend.batch_sizes:
            self._backend.infer(np.zeros((count, side, side, 3), np.uint8))

    def prepare(self, data: bytes) -> Any:
        """The model's input from the bytes of an image."""
        way = self._model.spec.preprocessing
        return way.apply(decode(data, draft_side=way.draft_side))

    def answer(self, pictures: Sequence[Any]) -> list[list[list[Any]]]:
        """The best labels of each input."""
        logits = self._backend.infer(np.stack(pictures))
        return [[list(found) for found in best(row, self._model.labels)] for row in logits]


def from_base64(text: str) -> bytes:
    """The bytes of an image."""
    return base64.b64decode(text)
