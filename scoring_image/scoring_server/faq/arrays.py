"""npz files without surprises: what is read is bounded by the file's own size and never
unpickled."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError

_MAX_ARRAYS = 16
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype><[fi][48])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[0-9]{1,12},|[0-9]{1,12}(?:, [0-9]{1,12}){1,3})\), \} *\n"
)


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of an uncompressed npz; the same arrays always give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def unpack_arrays(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Read an npz; the arrays are read-only views of the bytes.

    Args:
        data: the file.
        source: its name, for messages.

    Raises:
        ModelLoadError: not an npz of plain numbers; compressed, object or structured arrays.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members, len(data))
            return {
                member.filename.removesuffix(".npy"): _array(archive.read(member))
                for member in members
            }
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise ModelLoadError(
            f"{source} is not a file of plain arrays ({error}); make the artefact again"
        ) from None


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > _MAX_ARRAYS:
        raise ValueError(f"{len(members)} arrays, at most {_MAX_ARRAYS} are allowed")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise ValueError(f"{member.filename!r} is compressed or encrypted")
    # Overlapping members would make more out of the file than it holds.
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members claim more bytes than it has")


def _array(data: bytes) -> NDArray[Any]:
    """One array in format version 1.0.

    numpy's own reader evaluates the header as a Python literal and lets other errors than
    ValueError through; what `pack_arrays` writes needs no more than this pattern.
    """
    start = len(_MAGIC) + 2
    end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(data[start:end]) if data.startswith(_MAGIC) else None
    if header is None:
        raise ValueError(
            "an array is not of a plain type (float32, float64, int32, int64) in C order"
        )
    dtype = header["dtype"].decode()
    shape = [int(length) for length in header["shape"].split(b",") if length.strip()]
    return np.frombuffer(data, dtype, offset=end).reshape(shape)
