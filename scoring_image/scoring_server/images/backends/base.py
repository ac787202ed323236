"""The interface of a backend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Device:
    """What computes, as /version shows it: the library, its precision, "cpu" or "gpu"."""

    name: str
    precision: str
    device: str


class Backend(Protocol):
    """A model on its hardware. So many threads as it has lanes use it at a time.

    Attributes:
        name: the library, as /version shows it.
        precision: what it computes in, such as "bf16".
        device: "cpu" or "gpu".
        max_batch: the most pictures at once.
        batch_sizes: those worth choosing from, ascending, none above max_batch.
        lanes: how many batches may be under way at once.
    """

    @property
    def name(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def max_batch(self) -> int: ...

    @property
    def batch_sizes(self) -> tuple[int, ...]: ...

    @property
    def lanes(self) -> int: ...

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of shape (N, classes) from pictures of shape (N, size, size, 3)."""
        ...


@runtime_checkable
class DecodingBackend(Protocol):
    """A backend that also takes JPEG files as they are.

    Attributes:
        jpeg_bytes: the most bytes that a file may have; 0: none are taken.
    """

    @property
    def jpeg_bytes(self) -> int: ...

    def infer_mixed(
        self, items: Sequence[NDArray[np.uint8]]
    ) -> Sequence[NDArray[np.float32] | None]:
        """Logits of each item; None for a damaged file.

        Args:
            items: pictures of shape (size, size, 3), and bytes of JPEG files of shape (bytes,):
                upright, in RGB or grey, within the bounds of images.decode.
        """
        ...


@runtime_checkable
class CompilingBackend(Protocol):
    """A backend that can become faster while it computes."""

    def compile(self) -> None:
        """Compile the model; returns when that is done, or cannot be done."""
        ...


def device_of(backend: Backend) -> Device:
    """What to call it."""
    return Device(backend.name, backend.precision, backend.device)
