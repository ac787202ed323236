"""From the bytes of images to their best labels: decode, preprocess, queue, infer."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from scoring_server.batching import (
    Admission,
    Batcher,
    BatchObserver,
    DeadlineExceeded,
    DeviceLost,
    FairSlots,
)
from scoring_server.images.backends import Backend, Device
from scoring_server.images.calibration import Calibration
from scoring_server.images.decode import is_plain_jpeg, load_image, open_image
from scoring_server.images.errors import ImageRefused
from scoring_server.images.preprocess import Preprocessing

TOP: Final = 3
# Images in the house at once.
PLACES: Final = 64


# Decoding so few pixels takes a few milliseconds and less than 2 MB: waiting for a slot would cost
# more than it saves. Measured with a tiny model and 16 clients: a third more images a second.
_SMALL_PIXELS: Final = 512 * 512
# A batch of 64 such files takes 400 MB of a GPU's memory while it is decoded.
_UNDECODED_PIXELS: Final = 2_000_000


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


class PictureQueue(Protocol):
    """Where prepared pictures become logits: a batcher of this process, or another process."""

    @property
    def admission(self) -> Admission: ...

    def submit(self, item: NDArray[np.uint8], deadline: float) -> "Future[NDArray[np.float32]]": ...

    def result(
        self, future: "Future[NDArray[np.float32]]", deadline: float
    ) -> NDArray[np.float32]: ...

    def start(self) -> None: ...

    def seconds_since_beat(self) -> float: ...

    def close(self, timeout: float) -> None: ...


class ImageClassifier:
    """A served image model.

    Args:
        batcher: computes the logits.
        device: what it computes on.
        labels: by class index.
        preprocessing: from picture to input.
        decoders: how many images may be decoded at once, small ones not counted.
        calibration: which batch size is used.
        jpeg_bytes: the largest JPEG file that the batcher decodes by itself; 0: it takes pictures.
    """

    def __init__(
        self,
        batcher: PictureQueue,
        device: Device,
        labels: Sequence[str],
        preprocessing: Preprocessing,
        *,
        decoders: int,
        calibration: Calibration,
        jpeg_bytes: int = 0,
    ) -> None:
        self._jpeg_bytes = jpeg_bytes
        self.batcher = batcher
        self.device = device
        self.calibration = calibration
        self.labels = labels
        self._preprocessing = preprocessing
        self._slots = FairSlots(decoders)

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
                    name: best(self._logits(name, future, deadline), self.labels)
                    for name, future in futures.items()
                }
            except BaseException:
                for future in futures.values():
                    future.cancel()
                raise

    def _prepare(self, name: str, data: bytes, deadline: float) -> NDArray[np.uint8]:
        try:
            image = open_image(data)
            if self._is_taken(image, data):
                return np.frombuffer(data, np.uint8)
            if image.width * image.height <= _SMALL_PIXELS:
                _check(deadline)
                return self._decode(image)
            with self._slots.hold(deadline):
                _check(deadline)
                return self._decode(image)
        except ImageRefused as refusal:
            raise NamedImageRefused(name, refusal) from None

    def _is_taken(self, image: Image, data: bytes) -> bool:
        return (
            len(data) <= self._jpeg_bytes
            and image.width * image.height <= _UNDECODED_PIXELS
            and is_plain_jpeg(image, data)
        )

    def _logits(
        self, name: str, future: "Future[NDArray[np.float32]]", deadline: float
    ) -> NDArray[np.float32]:
        try:
            return self.batcher.result(future, deadline)
        except ImageRefused as refusal:
            raise NamedImageRefused(name, refusal) from None

    def _decode(self, image: Image) -> NDArray[np.uint8]:
        way = self._preprocessing
        return way.apply(load_image(image, draft_side=way.draft_side))


def picture_batcher(
    backend: Backend,
    *,
    max_batch: int,
    places: int = PLACES,
    max_delay: float = 0.0,
    observer: BatchObserver | None = None,
    on_lost: Callable[[DeviceLost], None] | None = None,
) -> Batcher[NDArray[np.uint8], NDArray[np.float32]]:
    """A batcher of this process for pictures; see Batcher."""

    def infer(pictures: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.float32]]:
        return list(backend.infer(np.stack(pictures)))

    return Batcher(
        infer,
        max_batch=max_batch,
        places=places,
        max_delay=max_delay,
        lanes=backend.lanes,
        observer=observer,
        on_lost=on_lost,
        name="image-inference",
    )


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
