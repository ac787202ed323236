"""Unpack an artefact from a tar that nobody vouches for."""

import gzip
import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from scoring_server.artefact import MANIFEST_NAME
from scoring_server.fetch.errors import FetchError

_GZIP_MAGIC: Final = b"\x1f\x8b"
# More than the extended header of any file: tarfile holds each in memory, and looks for a field in
# it with a search that takes 0.4 s for 16 kB of digits and half an hour for a megabyte.
_MOST_AT_ONCE_BYTES: Final = 16 * 1024
_MAX_MEMBERS: Final = 1000
# The last three are what tarfile lets through: of numbers and names that are none, of headers that
# end early, of headers before headers without end.
_DAMAGED: Final = (
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    LookupError,
    RecursionError,
)


def unpack(archive: Path, directory: Path, *, max_bytes: int) -> None:
    """Unpack an artefact's files into an empty directory.

    The files lie at the top of the archive or in one folder of it. Nothing else is accepted: no
    links, devices, sparse files or absolute paths, and not more than `max_bytes` in the whole.

    Args:
        archive: a tar, plain or gzip.
        directory: exists and is empty.
        max_bytes: the most that the archive may unpack to.

    Raises:
        FetchError: the archive is refused or damaged.
        OSError: the directory cannot be written.
    """
    try:
        _extract(archive, directory, max_bytes)
    except _DAMAGED as error:
        raise FetchError(f"the archive is damaged or no tar: {error}") from None


class _Seekable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...

    def seek(self, offset: int, whence: int = ..., /) -> int: ...

    def tell(self) -> int: ...


class _Bounded:
    """A reader that gives out a limited number of bytes, and never much at once.

    tarfile reads a member's extended headers whole, however large they claim to be.
    """

    def __init__(self, stream: _Seekable, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE_BYTES:
            raise FetchError("the archive holds a header that is too large")
        data = self._stream.read(size)
        self.check(self._stream.tell())
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            if offset < 0:
                raise tarfile.ReadError("a file of a negative size")
            self.check(offset)
        position = self._stream.seek(offset, whence)
        self.check(position)
        return position

    def tell(self) -> int:
        return self._stream.tell()

    def check(self, position: int) -> None:
        """Refuse an archive that reaches so far."""
        if position > self._max_bytes:
            raise FetchError(f"the archive unpacks to more than {self._max_bytes} bytes")


def _extract(archive: Path, directory: Path, max_bytes: int) -> None:
    with archive.open("rb") as file:
        magic = file.read(len(_GZIP_MAGIC))
    opener = gzip.open if magic == _GZIP_MAGIC else open
    folders: set[str] = set()
    with opener(archive, "rb") as stream:
        bounded = _Bounded(stream, max_bytes)
        with tarfile.open(fileobj=bounded, mode="r:") as tar:  # type: ignore[call-overload]  # reads, seeks and tells are all that tarfile needs
            for count, member in enumerate(tar, start=1):
                if count > _MAX_MEMBERS:
                    raise FetchError(f"the archive has more than {_MAX_MEMBERS} entries")
                if member.isdir():
                    continue
                path = _checked_path(member)
                bounded.check(member.offset_data + member.size)  # before the disk is full of it
                folders.add(str(path.parent))
                _write(tar, member, directory / path.name)
    if len(folders) != 1 or not (directory / MANIFEST_NAME).is_file():
        raise FetchError(
            f"the archive is not an artefact: {MANIFEST_NAME} and its files must lie at its top or "
            "in one folder"
        )


def _checked_path(member: tarfile.TarInfo) -> PurePosixPath:
    shown = repr(member.name[:200])
    if not member.isreg() or member.issparse():
        raise FetchError(
            f"the archive holds {shown}, which is no plain file: make it without links"
        )
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or len(path.parts) not in {1, 2}:
        raise FetchError(f"the archive holds {shown}: only files at its top or in one folder")
    return path


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(member)
    if source is None:
        raise FetchError(f"the archive holds {member.name[:200]!r}, which cannot be read")
    try:
        with source, target.open("xb") as file:
            shutil.copyfileobj(source, file, _MOST_AT_ONCE_BYTES)
    except FileExistsError:
        raise FetchError(f"the archive holds {member.name[:200]!r} twice") from None
    if target.stat().st_size != member.size:
        raise EOFError("it ends in the middle of a file")
