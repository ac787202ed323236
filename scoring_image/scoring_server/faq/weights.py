"""The collapsed model: one matrix, features by originals, and its product with the features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError
from scoring_server.faq.featuriser import Features


class WeightMatrix(Protocol):
    """A matrix of shape (features + 1, originals): the rows of the n-grams, that of the intercept,
    and those of the meaning, if the model has it."""

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

    def logits(self, questions: Sequence[Features]) -> NDArray[np.float64]:
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

    def logits(self, questions: Sequence[Features]) -> NDArray[np.float64]:
        """As in WeightMatrix.

        A question has about 130 features out of ten thousands: its rows are gathered and
        multiplied, 4 µs with 77 originals. Doing that once for a whole batch takes longer and would
        make the last bits of an answer depend on its neighbours.
        """
        logits = np.empty((len(questions), self.values.shape[1]))
        for question, (rows, values) in zip(logits, questions, strict=True):
            question[:] = values.astype(np.float32) @ self.values.take(rows, axis=0)
        return logits


# N-grams that more than this share of the originals have are stored as whole rows: reading such a
# row in one go costs less than looking its entries up. With 100,000 originals of the kind of
# BANKING77 a question took 9.8 ms without, and 3.2, 3.0 and 3.5 ms with 1/16, 1/8 and 1/5.
_COMMON_SHARE = 1 / 8
# So many columns of the whole rows are multiplied at a time, which fits the CPU's second cache.
_COLUMNS = 8192


@dataclass(frozen=True)
class SparseMatrix:
    """For many originals: rare n-grams list the originals that have them.

    With 10,000 originals of the kind of BANKING77 a question takes 0.3 ms, with 100,000 it takes
    3 ms; six in seven of its 2,300,000 entries then stand in the 61 whole rows that it meets.

    Attributes:
        starts: where each row begins, and where the last one ends, shape (features + 2,), int64.
        columns: the original of each entry, shape (entries,); uint16 where that can number all
            originals, else int32.
        values: the weight of each entry, shape (entries,), float32.
        common_rows: the rows that are stored whole, ascending, shape (common,), int64; they have no
            entries.
        common: these rows, shape (common, originals), float32.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.uint16 | np.int32]
    values: NDArray[np.float32]
    common_rows: NDArray[np.int64]
    common: NDArray[np.float32]

    @classmethod
    def of_entries(
        cls,
        starts: NDArray[np.int64],
        columns: NDArray[np.integer[Any]],
        values: NDArray[np.float32],
        originals: int,
        whole_rows: NDArray[np.float32] | None = None,
    ) -> "SparseMatrix":
        """Take the entries of all rows, and store those of common n-grams as whole rows.

        Args:
            starts, columns, values: as the attributes, of all rows but the last ones.
            originals: how many there are.
            whole_rows: the last rows, shape (rows, originals); None: there are no more.
        """
        sizes = np.diff(starts)
        is_common = sizes > _COMMON_SHARE * originals
        common_rows = np.flatnonzero(is_common).astype(np.int64)
        common = np.zeros((len(common_rows), originals), np.float32)
        for whole, row in zip(common, common_rows, strict=True):
            entries = slice(starts[row], starts[row + 1])
            whole[columns[entries]] = values[entries]
        rare = np.repeat(~is_common, sizes)
        rare_starts = np.concatenate([[0], np.cumsum(np.where(is_common, 0, sizes))])
        rare_columns: NDArray[np.uint16 | np.int32]
        rare_columns = columns[rare].astype(_column_type(originals))
        if whole_rows is not None:
            more = len(sizes) + np.arange(len(whole_rows))
            common_rows = np.concatenate([common_rows, more])
            common = np.concatenate([common, whole_rows])
            rare_starts = np.append(rare_starts, np.full(len(more), rare_starts[-1]))
        return cls(rare_starts.astype(np.int64), rare_columns, values[rare], common_rows, common)

    @property
    def shape(self) -> tuple[int, int]:
        """As in WeightMatrix."""
        return len(self.starts) - 1, self.common.shape[1]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in WeightMatrix."""
        return {
            "starts": self.starts,
            "columns": self.columns,
            "values": self.values,
            "common_rows": self.common_rows,
            "common": self.common,
        }

    def column(self, original: int) -> NDArray[np.float32]:
        """As in WeightMatrix."""
        entries = np.flatnonzero(self.columns == original)
        rows = np.searchsorted(self.starts, entries, side="right") - 1
        column = np.zeros(len(self.starts) - 1, np.float32)
        column[rows] = self.values[entries]
        column[self.common_rows] = self.common[:, original]
        return column

    def logits(self, questions: Sequence[Features]) -> NDArray[np.float64]:
        """As in WeightMatrix."""
        logits = np.empty((len(questions), self.common.shape[1]))
        common_rows = np.append(self.common_rows, -1)
        for question, (rows, values) in zip(logits, questions, strict=True):
            places = np.searchsorted(self.common_rows, rows)
            # A sentinel takes the place behind the last common row.
            is_common = common_rows[places] == rows
            question[:] = self._rare(rows[~is_common], values[~is_common])
            self._add_common(places[is_common], values[is_common], question)
        return logits

    def _rare(self, rows: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.float64]:
        starts, ends = self.starts[rows], self.starts[rows + 1]
        entries = list(map(slice, starts.tolist(), ends.tolist()))
        if not entries:
            return np.zeros(self.common.shape[1])
        weights = np.repeat(values, ends - starts)
        weights *= np.concatenate([self.values[entry] for entry in entries])
        # bincount would make these 64 bits wide in one more pass.
        columns = np.concatenate([self.columns[entry] for entry in entries], dtype=np.intp)
        rare: NDArray[np.float64] = np.bincount(
            columns, weights, minlength=self.common.shape[1]
        ).astype(np.float64, copy=False)
        return rare

    def _add_common(
        self,
        places: NDArray[np.intp],
        values: NDArray[np.float64],
        logits: NDArray[np.float64],
    ) -> None:
        if not len(places):
            return
        weights = values.astype(np.float32)
        # The rows of the meaning come last and in one piece: they are read where they lie.
        apart = np.flatnonzero(np.diff(places) != 1)
        single = int(apart[-1]) + 1 if len(apart) else 0
        together = slice(places[single], places[single] + len(places) - single)
        for start in range(0, len(logits), _COLUMNS):
            block = slice(start, start + _COLUMNS)
            logits[block] += weights[single:] @ self.common[together, block]
            if single:
                logits[block] += weights[:single] @ self.common[places[:single], block]


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
    columns = _checked(arrays, "columns", _column_type(originals), (entries,))
    if entries and not 0 <= columns.min() <= columns.max() < originals:
        raise ValueError("columns point outside of the originals")
    values = _checked(arrays, "values", np.float32, (entries,))
    count = len(arrays.get("common_rows", ()))
    common_rows = _checked(arrays, "common_rows", np.int64, (count,))
    if count and not (
        common_rows[0] >= 0 and common_rows[-1] < rows and np.all(np.diff(common_rows) > 0)
    ):
        raise ValueError("common_rows do not ascend within the features")
    common = _checked(arrays, "common", np.float32, (count, originals))
    return SparseMatrix(starts, columns, values, common_rows, common)


def _column_type(originals: int) -> type[np.uint16] | type[np.int32]:
    return np.uint16 if originals <= np.iinfo(np.uint16).max + 1 else np.int32


def _checked(
    arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[np.generic], shape: tuple[int, ...]
) -> NDArray[Any]:
    array = arrays.get(name)
    if array is None or array.dtype != dtype or array.shape != shape:
        raise ValueError(f"holds no {name} of shape {shape} and type {dtype.__name__}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} are not finite")
    return array
