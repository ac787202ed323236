"""A model as tensors in and tensors out, and how the Open Inference Protocol writes them."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoring_server.http.parsing import invalid_input

BYTES: Final = "BYTES"
INT64: Final = "INT64"
FP64: Final = "FP64"

# An element of a BYTES tensor: a text where it came in JSON, bytes where it came in binary.
Item = str | bytes

_LENGTH: Final = struct.Struct("<I")
_CODES: Final = {INT64: "q", FP64: "d"}


@dataclass(frozen=True)
class TensorSpec:
    """What a model takes or gives.

    Attributes:
        datatype: BYTES, INT64 or FP64.
        shape: -1 where a dimension varies.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    @property
    def document(self) -> Mapping[str, Any]:
        """As metadata writes it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


@dataclass(frozen=True)
class Signature:
    """A model that takes one tensor of texts or files, of one dimension.

    Attributes:
        max_items: how many elements the input may have.
    """

    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    max_items: int


@dataclass(frozen=True)
class Tensor:
    """Values in row-major order; those of a BYTES tensor are texts."""

    spec: TensorSpec
    shape: tuple[int, ...]
    values: Sequence[Any]

    def binary(self) -> bytes:
        """As the binary extension writes it: little-endian; a text behind its length in bytes."""
        if self.spec.datatype != BYTES:
            return struct.pack(f"<{len(self.values)}{_CODES[self.spec.datatype]}", *self.values)
        parts = []
        for text in self.values:
            data = text.encode()
            parts += [_LENGTH.pack(len(data)), data]
        return b"".join(parts)


def elements(data: bytes, name: str, most: int) -> list[bytes]:
    """The elements of a BYTES tensor in binary.

    Args:
        data: each element behind its length, 4 bytes, little-endian.
        name: of the tensor.
        most: how many are read; one more than allowed tells that there are too many.

    Raises:
        ApiError: 400, the lengths and the data differ.
    """
    return list(_elements(data, name, most))


def _elements(data: bytes, name: str, most: int) -> Iterator[bytes]:
    place = count = 0
    while place < len(data) and count < most:
        start = place + _LENGTH.size
        if start > len(data):
            raise _broken(name)
        place = start + _LENGTH.unpack_from(data, place)[0]
        if place > len(data):
            raise _broken(name)
        yield data[start:place]
        count += 1


def element_text(item: Item) -> str:
    """The text that an element holds.

    Raises:
        ApiError: 400, it is not UTF-8.
    """
    if isinstance(item, str):
        return item
    try:
        return item.decode()
    except UnicodeDecodeError:
        raise invalid_input("a text is not valid UTF-8") from None


def _broken(name: str) -> Exception:
    return invalid_input(f"the binary data of {name!r} ends within an element")
