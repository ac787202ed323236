"""From the bytes of images to their best labels: decode, preprocess, queue, infer."""

import time
from collections.abc import Callable, Mapping, Sequence
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
    Future,
    Wait,
)
from scoring_server.images.backends import Backend, Device
from scoring_server.images.calibration import Calibration
from scoring_server.images.decode import is_plain_jpeg, load_image, open_image
from scoring_server.images.errors import ImageRefused
from scoring_server.images.preprocess import Preprocessing

TOP: Final = 3
# Images in the house at once.
PLACES: Final = 64


# Decoding so few pixels, of all images of a request together, takes a few milliseconds and less
# than 2 MB: the thread that asks does that itself.
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

    def submit(self, item: NDArray[np.uint8], deadline: float) -> Future[NDArray[np.float32]]: ...

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
        decoders: how many large images may be decoded at once; others wait, first come, first
            served: each takes up to 250 MB.
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
        self._decoding: Batcher[Image, NDArray[np.uint8]] = Batcher(
            lambda images: [self._decode(image) for image in images],
            max_batch=1,
            places=batcher.admission.places,
            lanes=decoders,
            name="decoding",
        )

    def start(self) -> None:
        """Start the threads; to be called in the process that serves, after any fork."""
        self._decoding.start()
        self.batcher.start()

    def seconds_since_beat(self) -> float:
        """Seconds since the slowest thread last moved; infinite when one of them has died."""
        return max(self._decoding.seconds_since_beat(), self.batcher.seconds_since_beat())

    def close(self, timeout: float) -> None:
        """Stop the threads; what still waits gets BatcherClosed.

        Args:
            timeout: how long to wait for them, seconds.
        """
        self._decoding.close(timeout)
        self.batcher.close(timeout)

    async def classify(
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
        answers: dict[str, tuple[Prediction, ...]] = {}
        small = _SMALL_PIXELS // max(1, len(images))
        name = ""
        with self.batcher.admission.enter(len(images)):
            try:
                for name, data in images.items():
                    picture = await self._prepare(data, deadline, small)
                    futures[name] = self.batcher.submit(picture, deadline)
                for name, future in futures.items():
                    answers[name] = best(await Wait(future, deadline), self.labels)
            except ImageRefused as refusal:
                raise NamedImageRefused(name, refusal) from None
            finally:
                for future in futures.values():
                    future.cancel()
        return answers

    async def _prepare(self, data: bytes, deadline: float, small: int) -> NDArray[np.uint8]:
        if time.monotonic() >= deadline:
            raise DeadlineExceeded
        image = open_image(data)
        if self._is_taken(image, data):
            return np.frombuffer(data, np.uint8)
        if image.width * image.height <= small:
            return self._decode(image)
        return await Wait(self._decoding.submit(image, deadline), deadline)

    def _is_taken(self, image: Image, data: bytes) -> bool:
        return (
            len(data) <= self._jpeg_bytes
            and image.width * image.height <= _UNDECODED_PIXELS
            and is_plain_jpeg(image, data)
        )

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


def best(logits: NDArray[np.float32], labels: Sequence[str]) -> tuple[Prediction, ...]:
    """The three best labels, best first; of equals the one with the lower index."""
    probabilities = softmax(logits)
    found: list[Prediction] = []
    for _ in range(min(TOP, len(labels))):
        place = int(probabilities.argmax())
        found.append(Prediction(labels[place], float(probabilities[place])))
        probabilities[place] = -1.0
    return tuple(found)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities, in float64 whatever the model computes in."""
    probabilities = logits.astype(np.float64)
    probabilities -= probabilities.max()
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum()
    return probabilities
