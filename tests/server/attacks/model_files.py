"""Model files of somebody who would like to run code, or to fill the memory."""

import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

_MEGABYTE: Final = 1_000_000


class _Touch:
    """What makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return exec, (f"open({str(self._marker)!r}, 'w').close()",)


def hostile(marker: Path) -> dict[str, bytes]:
    """Contents by what they are; whoever unpickles one of the pickles makes the marker."""
    code = pickle.dumps(_Touch(marker))
    objects = np.array([_Touch(marker)], dtype=object)
    return {
        "a pickle": code,
        "a pickle of protocol 0": pickle.dumps(_Touch(marker), protocol=0),
        "a pickled array": _saved(objects),
        "an archive of pickled arrays": _archive(objects),
        "a checkpoint": _zip({"archive/data.pkl": code, "archive/version": b"3\n"}),
        "a zip with a path": _zip({"../../evil.npy": code, "/etc/evil.npy": code}),
        "a zip bomb": _zip({"data.npy": bytes(100 * _MEGABYTE)}),
        "a gzip bomb": gzip.compress(bytes(100 * _MEGABYTE)),
        "an array that is said to be huge": _huge(),
        "an array of another type": _saved(np.zeros(3, "U10")),
        "nothing": b"",
        "zeros": bytes(1000),
        "deep JSON": b"[" * 100_000,
        "a list in JSON": json.dumps([1, 2, 3]).encode(),
        "an object in JSON": json.dumps({"a": 1}).encode(),
        "XML with entities": (
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">'
            + b"".join(b'<!ENTITY %c "&%c;&%c;">' % (98 + i, 97 + i, 97 + i) for i in range(24))
            + b"]><net>&y;</net>"
        ),
        "XML with a file": (
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            b"<net>&a;</net>"
        ),
        "a library": b"\x7fELF" + bytes(1000),
    }


def _saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def _archive(array: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, data=array, indices=array, indptr=array)
    return file.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def _huge() -> bytes:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    padded = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded
