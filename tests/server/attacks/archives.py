"""Archives of models of somebody who would like to fill the memory or the disk."""

import gzip
import io
import tarfile
from typing import Final

from scoring_server.artefact import MANIFEST_NAME

_MEGABYTE: Final = 1_000_000


def _header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def _blocks(data: bytes) -> bytes:
    return data + bytes(-len(data) % tarfile.BLOCKSIZE)


def _extended(data: bytes) -> bytes:
    """A header whose data says more about the file after it."""
    return _header("x", tarfile.XHDTYPE, len(data)) + _blocks(data)


_MANIFEST: Final = _header(MANIFEST_NAME, size=2) + _blocks(b"{}")
_LONG_NAME: Final = _header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 2) + _blocks(b"a\0")

BOMBS: Final[dict[str, bytes]] = {
    "a large file": gzip.compress(
        _MANIFEST + _header("x", size=10**10) + bytes(100 * _MEGABYTE)
    ),
    "a file of a size beyond all": gzip.compress(_MANIFEST + _header("x", size=2**70)),
    "a file of a negative size": _MANIFEST + _extended(b"14 size=-1024\n") + _header("x"),
    "a sparse file": _MANIFEST + _header("x", tarfile.GNUTYPE_SPARSE, 10**10),
    "zeros": gzip.compress(bytes(100 * _MEGABYTE)),
    "many files": _MANIFEST + b"".join(_header(str(number)) for number in range(20_000)),
    "names of a name": _MANIFEST + _LONG_NAME * 20_000,
    "a name of 100 MB": gzip.compress(
        _header("x", tarfile.GNUTYPE_LONGNAME, 100 * _MEGABYTE) + b"a" * (100 * _MEGABYTE)
    ),
    "a header of digits": _extended(b"1" * 16_384) + _header("x"),
    "a header of a megabyte of digits": _extended(b"1" * _MEGABYTE) + _header("x"),
    "headers of headers": _extended(b"6 a=b\n") * 20_000,
    "an archive of an archive": gzip.compress(gzip.compress(_MANIFEST)),
}  # fmt: skip


def good() -> tuple[bytes, ...]:
    """Artefacts in each of tar's formats, to be damaged."""
    formats = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    plain = [_packed(number) for number in formats]
    return (*plain, *map(gzip.compress, plain))


def _packed(tar_format: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for name, content in ((MANIFEST_NAME, b"{}"), ("weights", bytes(range(256)) * 8)):
            member = tarfile.TarInfo(f"a-folder/{name}")
            member.size = len(content)
            if tar_format == tarfile.PAX_FORMAT:
                member.pax_headers = {"comment": "größe", "mtime": "1.5", "size": str(len(content))}
            archive.addfile(member, io.BytesIO(content))
        longer = tarfile.TarInfo(f"a-folder/{'n' * 90}")
        archive.addfile(longer)
        if tar_format != tarfile.USTAR_FORMAT:
            archive.addfile(tarfile.TarInfo(f"a-folder/{'n' * 120}"))
    # Without the zeros that fill the last of tar's records: damage there is none.
    return _blocks(buffer.getvalue().rstrip(b"\0")) + bytes(2 * tarfile.BLOCKSIZE)


def with_right_checksums(data: bytearray) -> bytes:
    """A damaged tar whose headers are looked at all the same."""
    for at in range(0, len(data) - tarfile.BLOCKSIZE + 1, tarfile.BLOCKSIZE):
        if data[at + 257 : at + 262] == b"ustar":
            data[at + 148 : at + 156] = b" " * 8
            total = sum(data[at : at + tarfile.BLOCKSIZE])
            data[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(data)
