"""The interface of a backend."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Backend(Protocol):
    """A model on its hardware. One thread uses it at a time.

    Attributes:
        name: the library, as /version shows it.
        precision: what it computes in, such as "bf16".
        device: "cpu" or "gpu".
        max_batch: the most pictures at once.
        batch_sizes: those worth choosing from, ascending, none above max_batch.
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

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of shape (N, classes) from pictures of shape (N, size, size, 3)."""
        ...
