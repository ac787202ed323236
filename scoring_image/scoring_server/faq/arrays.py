"""npz files without surprises: what is read is bounded by the file's own size and never
unpickled."""

import io
import re
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring_server.artefact import ModelLoadError

_MAX_ARRAYS = 16
_ZIP_HEADER = 30
# Arrays lie at multiples of this in the file, so that they are aligned wherever it is read to.
_ALIGNMENT = 64
# The extra field of a zip that says nothing but fills space, as Android's zipalign writes it.
_PADDING_ID, _PADDING_HEADER = 0xD935, struct.Struct("<HH")
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype><[fi][48]|<u2|\|i1)', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[0-9]{1,12},|[0-9]{1,12}(?:, [0-9]{1,12}){1,3})\), \} *\n"
)


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of an uncompressed npz; the same arrays always give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[name], version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy")
            start = buffer.tell() + _ZIP_HEADER + len(member.filename) + _PADDING_HEADER.size
            padding = -start % _ALIGNMENT
            member.extra = _PADDING_HEADER.pack(_PADDING_ID, padding) + bytes(padding)
            archive.writestr(member, content.getbuffer())
    return buffer.getvalue()


def unpack_arrays(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Read an npz; the arrays are read-only.

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
                member.filename.removesuffix(".npy"): _array(_content(data, member))
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


def _content(data: bytes, member: zipfile.ZipInfo) -> memoryview:
    """The bytes of a stored member where they lie.

    ZipFile.read would copy them twice and compute a CRC, a third of the time that loading takes;
    the artefact's SHA-256 was verified already.
    """
    header = data[member.header_offset : member.header_offset + _ZIP_HEADER]
    if len(header) < _ZIP_HEADER or not header.startswith(b"PK\x03\x04"):
        raise ValueError(f"{member.filename!r} does not lie where the file says")
    name_and_extra = sum(struct.unpack("<HH", header[-4:]))
    start = member.header_offset + _ZIP_HEADER + name_and_extra
    content = memoryview(data)[start : start + member.file_size]
    if len(content) < member.file_size:
        raise ValueError(f"{member.filename!r} ends early")
    return content


def _array(data: memoryview) -> NDArray[Any]:
    """One array in format version 1.0.

    numpy's own reader evaluates the header as a Python literal and lets other errors than
    ValueError through; what `pack_arrays` writes needs no more than this pattern.
    """
    start = len(_MAGIC) + 2
    end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    is_npy = data[: len(_MAGIC)] == _MAGIC
    header = _HEADER.fullmatch(bytes(data[start:end])) if is_npy else None
    if header is None:
        raise ValueError(
            "an array is not of a plain type in C order: float32, float64, int8, int32, int64 or "
            "uint16"
        )
    dtype = header["dtype"].decode()
    shape = [int(length) for length in header["shape"].split(b",") if length.strip()]
    array = np.frombuffer(data, dtype, offset=end).reshape(shape)
    if not array.flags.aligned:
        # Of another's making: products with it would take ten times as long.
        array = array.copy()
        array.flags.writeable = False
    return array
