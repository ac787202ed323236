"""The collapsed model: one matrix, features by originals, and its product with the features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError
from scoring_server.faq.featuriser import Features


class WeightMatrix(Protocol):
    """A matrix of shape (features + 1, originals); the last row is the intercept."""

    @property
    def shape(self) -> tuple[int, int]:
        """(features + 1, originals)."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `matrix_from_arrays` needs to make the matrix again."""
        ...

    def logits(self, features: Features) -> NDArray[np.float64]:
        """Logits of each question, shape (questions, originals).

        A question's logits are the same bit for bit whatever other questions come with it.
        """
        ...


@dataclass(frozen=True)
class DenseMatrix:
    """For up to about a thousand originals.

    Attributes:
        values: shape (features + 1, originals), float32.
    """

    values: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """(features + 1, originals)."""
        rows, columns = self.values.shape
        return rows, columns

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in WeightMatrix."""
        return {"weights": self.values}

    def logits(self, features: Features) -> NDArray[np.float64]:
        """Logits of each question, shape (questions, originals).

        A question has about 130 features out of ten thousands: its rows are gathered and
        multiplied. Doing that once for a whole batch takes as long (6 µs a question with 77
        originals) and would make the last bits of an answer depend on its neighbours.
        """
        questions = len(features.starts)
        logits = np.empty((questions, self.values.shape[1]))
        values = features.values.astype(np.float32)
        ends = [*features.starts[1:], len(features.rows)]
        for question, (start, end) in enumerate(zip(features.starts, ends, strict=True)):
            gathered = self.values.take(features.rows[start:end], axis=0)
            logits[question] = values[start:end] @ gathered
        return logits


def matrix_from_arrays(
    arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int], source: str
) -> WeightMatrix:
    """The matrix that `WeightMatrix.arrays` described.

    Args:
        arrays: may hold other arrays as well.
        shape: (features + 1, originals).
        source: the file's name, for messages.

    Raises:
        ModelLoadError: arrays missing, of another shape or type, or with numbers that are not
            finite.
    """
    values = arrays.get("weights")
    if values is None or values.dtype != np.float32 or values.shape != shape:
        raise ModelLoadError(
            f"{source} holds no weights of shape {shape} in float32; train the model again"
        )
    if not np.isfinite(values).all():
        raise ModelLoadError(f"{source} holds weights that are not finite; train the model again")
    return DenseMatrix(values)
