"""npz files without surprises: what is read is bounded by the file's own size and never
unpickled."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError

_MAX_ARRAYS = 16
_DTYPES = ("<f4", "<f8", "<i4", "<i8")


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
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as error:
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
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array has an unknown format version")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.str not in _DTYPES:
        raise ValueError(f"an array has dtype {dtype.str!r}, allowed are {', '.join(_DTYPES)}")
    if fortran_order:
        raise ValueError("an array is in Fortran order")
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape)
