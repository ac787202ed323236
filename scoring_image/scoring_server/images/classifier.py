"""From the bytes of images to their best labels: decode, preprocess, queue, infer."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from scoring_server.batching import Batcher, BatchObserver, DeadlineExceeded, DeviceLost, FairSlots
from scoring_server.images.backends import Backend
from scoring_server.images.calibration import Calibration
from scoring_server.images.decode import load_image, open_image
from scoring_server.images.errors import ImageRefused
from scoring_server.images.preprocess import Preprocessing

TOP: Final = 3
# Images in the house at once. 2 cores compute about 15 ResNet-152 images a second, so the last of
# them waits for about 4 s; an array of 224 x 224 pixels takes 150 kB.
PLACES: Final = 64


# Decoding so few pixels takes a few milliseconds and less than 2 MB: waiting for a slot would cost
# more than it saves. Measured with a tiny model and 16 clients: a third more images a second.
_SMALL_PIXELS: Final = 512 * 512


class Prediction(NamedTuple):
    """One label and its probability."""

    label: str
    probability: float


class NamedImageRefused(Exception):
    """One of several images was refused.

    Attributes:
        name: what the caller called it.
        cause: why.
    """

    def __init__(self, name: str, cause: ImageRefused) -> None:
        super().__init__(name)
        self.name = name
        self.cause = cause


class ImageClassifier:
    """A served image model.

    Args:
        backend: where it computes.
        labels: by class index.
        preprocessing: from picture to input.
        decoders: how many images may be decoded at once, small ones not counted.
        places: how many images may be in the house at once.
        calibration: which batch size to use; None: the largest that the backend computes.
        max_delay: how long an image may wait for others to fill its batch, seconds.
        observer: told about every batch.
        on_lost: told that the device is lost; nothing is classified after that.
    """

    def __init__(
        self,
        backend: Backend,
        labels: Sequence[str],
        preprocessing: Preprocessing,
        *,
        decoders: int,
        places: int = PLACES,
        calibration: Calibration | None = None,
        max_delay: float = 0.0,
        observer: BatchObserver | None = None,
        on_lost: Callable[[DeviceLost], None] | None = None,
    ) -> None:
        self.backend = backend
        self.calibration = calibration or Calibration(backend.max_batch, False, {})
        self.labels = labels
        self._preprocessing = preprocessing
        self._slots = FairSlots(decoders)
        self.batcher: Batcher[NDArray[np.uint8], NDArray[np.float32]] = Batcher(
            self._infer,
            max_batch=self.calibration.max_batch,
            places=places,
            max_delay=max_delay,
            observer=observer,
            on_lost=on_lost,
            name="image-inference",
        )

    def classify(
        self, images: Mapping[str, bytes], deadline: float
    ) -> dict[str, tuple[Prediction, ...]]:
        """The best labels of each image, best first.

        Args:
            images: the content of image files by name.
            deadline: on the clock of time.monotonic(), seconds.

        Raises:
            Overloaded: too much work is in the house; nothing was decoded.
            NamedImageRefused: an image cannot be decoded; none of the request's is classified.
            DeadlineExceeded: not done in time.
        """
        futures: dict[str, Future[NDArray[np.float32]]] = {}
        with self.batcher.admission.enter(len(images)):
            try:
                for name, data in images.items():
                    futures[name] = self.batcher.submit(
                        self._prepare(name, data, deadline), deadline
                    )
                return {
                    name: best(self.batcher.result(future, deadline), self.labels)
                    for name, future in futures.items()
                }
            except BaseException:
                for future in futures.values():
                    future.cancel()
                raise

    def _prepare(self, name: str, data: bytes, deadline: float) -> NDArray[np.uint8]:
        try:
            image = open_image(data)
            if image.width * image.height <= _SMALL_PIXELS:
                _check(deadline)
                return self._decode(image)
            with self._slots.hold(deadline):
                _check(deadline)
                return self._decode(image)
        except ImageRefused as refusal:
            raise NamedImageRefused(name, refusal) from None

    def _decode(self, image: Image) -> NDArray[np.uint8]:
        way = self._preprocessing
        return way.apply(load_image(image, draft_side=way.draft_side))

    def _infer(self, pictures: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.float32]]:
        return list(self.backend.infer(np.stack(pictures)))


def _check(deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise DeadlineExceeded


def best(logits: NDArray[np.float32], labels: Sequence[str]) -> tuple[Prediction, ...]:
    """The three best labels, best first."""
    probabilities = softmax(logits)
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return tuple(Prediction(labels[i], float(probabilities[i])) for i in order)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities, in float64 whatever the model computes in."""
    exponentials = np.exp(logits.astype(np.float64) - np.max(logits))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum()
    return probabilities
