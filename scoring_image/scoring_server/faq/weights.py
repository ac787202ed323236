"""The collapsed model: one matrix, features by originals, and its product with the features."""

from collections.abc import Iterator, Mapping
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

    def column(self, original: int) -> NDArray[np.float32]:
        """The weights of one original, shape (features + 1,)."""
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
        """As in WeightMatrix."""
        rows, columns = self.values.shape
        return rows, columns

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in WeightMatrix."""
        return {"weights": self.values}

    def column(self, original: int) -> NDArray[np.float32]:
        """As in WeightMatrix."""
        return self.values[:, original]

    def logits(self, features: Features) -> NDArray[np.float64]:
        """As in WeightMatrix.

        A question has about 130 features out of ten thousands: its rows are gathered and
        multiplied. Doing that once for a whole batch takes as long (6 µs a question with 77
        originals) and would make the last bits of an answer depend on its neighbours.
        """
        logits = np.empty((len(features.starts), self.values.shape[1]))
        values = features.values.astype(np.float32)
        for question, part in enumerate(_slices(features)):
            logits[question] = values[part] @ self.values.take(features.rows[part], axis=0)
        return logits


@dataclass(frozen=True)
class SparseMatrix:
    """For many originals: each row lists the originals that have the n-gram.

    With 10,000 originals of the kind of BANKING77 a question meets 240,000 entries, which takes
    0.5 ms; with 100,000 it meets 2,500,000 and takes 9 ms. Leaving out n-grams that a tenth of the
    originals have would make it ten times faster, but changes the first answer of every seventh
    question.

    Attributes:
        starts: where each row begins, and where the last one ends, shape (features + 2,), int64.
        columns: the original of each entry, shape (entries,), int32.
        values: the weight of each entry, shape (entries,), float32.
        originals: the number of columns.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    originals: int

    @property
    def shape(self) -> tuple[int, int]:
        """As in WeightMatrix."""
        return len(self.starts) - 1, self.originals

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in WeightMatrix."""
        return {"starts": self.starts, "columns": self.columns, "values": self.values}

    def column(self, original: int) -> NDArray[np.float32]:
        """As in WeightMatrix."""
        entries = np.flatnonzero(self.columns == original)
        rows = np.searchsorted(self.starts, entries, side="right") - 1
        column = np.zeros(len(self.starts) - 1, np.float32)
        column[rows] = self.values[entries]
        return column

    def logits(self, features: Features) -> NDArray[np.float64]:
        """As in WeightMatrix."""
        logits = np.empty((len(features.starts), self.originals))
        for question, part in enumerate(_slices(features)):
            starts, ends = self.starts[features.rows[part]], self.starts[features.rows[part] + 1]
            entries = list(map(slice, starts.tolist(), ends.tolist()))
            weights = np.repeat(features.values[part], ends - starts)
            weights *= np.concatenate([self.values[entry] for entry in entries])
            # bincount would make these 64 bits wide in one more pass.
            columns = np.concatenate([self.columns[entry] for entry in entries], dtype=np.intp)
            logits[question] = np.bincount(columns, weights, minlength=self.originals)
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
    try:
        return _sparse(arrays, shape) if "columns" in arrays else _dense(arrays, shape)
    except ValueError as error:
        raise ModelLoadError(f"{source}: {error}; train the model again") from None


def _dense(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> DenseMatrix:
    return DenseMatrix(_checked(arrays, "weights", np.float32, shape))


def _sparse(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> SparseMatrix:
    rows, originals = shape
    starts = _checked(arrays, "starts", np.int64, (rows + 1,))
    entries = int(starts[-1])
    if starts[0] != 0 or np.any(np.diff(starts) < 0):
        raise ValueError("starts do not ascend from 0")
    columns = _checked(arrays, "columns", np.int32, (entries,))
    if entries and not 0 <= columns.min() <= columns.max() < originals:
        raise ValueError("columns point outside of the originals")
    return SparseMatrix(
        starts, columns, _checked(arrays, "values", np.float32, (entries,)), originals
    )


def _checked(
    arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic], shape: tuple[int, ...]
) -> NDArray[Any]:
    array = arrays.get(name)
    if array is None or array.dtype != dtype or array.shape != shape:
        raise ValueError(f"holds no {name} of shape {shape} and type {dtype.__name__}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} are not finite")
    return array


def _slices(features: Features) -> Iterator[slice]:
    """The part of each question in the features' rows and values."""
    ends = [*features.starts[1:], len(features.rows)]
    return map(slice, features.starts, ends)
