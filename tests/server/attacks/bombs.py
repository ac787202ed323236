"""Small requests that would become large: each a path, a content type and a body."""

import base64
import gzip
import json
import struct
import zlib
from typing import Final

from tests.server.attacks.bodies import FORM, JSON
from tests.server.pictures import png_header

Bomb = tuple[str, str, bytes]

_MOST: Final = 10_000_000
_SCORE: Final = "/score"


def _json(start: bytes, piece: bytes, end: bytes) -> bytes:
    return start + piece * ((_MOST - len(start) - len(end)) // len(piece)) + end


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int) -> bytes:
    """A whole PNG of zeros: its pixels are a thousandth of their size."""
    rows = zlib.compressobj(9)
    line = bytes(1 + width * 3)
    data = b"".join(rows.compress(line) for _ in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _png_with_text() -> bytes:
    """A small PNG with compressed texts that hold 50 MB each."""
    text = _chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(50_000_000), 9))
    profile = _chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000), 9))
    small = png_header(16, 16)
    return small[:33] + text * 20 + profile + _chunk(b"IEND", b"")


# For a FAQ; most of them for images too.
FAQ: Final[dict[str, Bomb]] = {
    "empty lists": (_SCORE, JSON, _json(b'{"input": [', b"[],", b"[]]}")),
    "empty objects": (_SCORE, JSON, _json(b'{"input": [', b"{},", b"{}]}")),
    "empty texts": (_SCORE, JSON, _json(b'{"input": [', b'"",', b'""]}')),
    "numbers": (_SCORE, JSON, _json(b'{"input": [', b"1,", b"1]}")),
    "nested lists": (_SCORE, JSON, b"[" * _MOST),
    "nested objects": (_SCORE, JSON, b'{"a":' * (_MOST // 5)),
    "names": (_SCORE, JSON, b"{" + b",".join(b'"%x":1' % i for i in range(_MOST // 10)) + b"}"),
    "quotes": (_SCORE, JSON, b'"' * _MOST),
    "escaped quotes": (_SCORE, JSON, b"," * 20_000 + b'"' + b'\\"' * (_MOST // 2 - 20_000)),
    "one wide character": (
        _SCORE,
        JSON,
        json.dumps({"input": "a" * (_MOST - 100) + "\U0001f600"}, ensure_ascii=False).encode(),
    ),
    "wide characters in many texts": (
        _SCORE,
        JSON,
        _json(b'{"input": [', b'"' + b"a" * 99_990 + "\U0001f600".encode() + b'",', b'""]}'),
    ),
    "a long number": (_SCORE, JSON, b'{"input": "a", "top": ' + b"9" * (_MOST - 100) + b"}"),
    "colons": (_SCORE, JSON, _json(b'{"input": "', b":", b'"}')),
    "tensors of empty lists": (
        "/v2/models/faq-matching/infer",
        JSON,
        _json(b'{"inputs": [', b"[],", b"[]]}"),
    ),
    "a gzip that says it is JSON": (_SCORE, JSON, gzip.compress(bytes(1_000_000_000), 1)),
}

IMAGES: Final[dict[str, Bomb]] = {
    **{name: bomb for name, bomb in FAQ.items() if "tensors" not in name},
    "pixels": (_SCORE, "image/png", _png(30_000, 3_000)),
    "pixels that are said": (_SCORE, "image/png", png_header(2**31 - 1, 2**31 - 1)),
    "pixels in base64": (
        _SCORE,
        JSON,
        json.dumps({"input": {"x": base64.b64encode(_png(30_000, 3_000)).decode()}}).encode(),
    ),
    "texts within a PNG": (_SCORE, "image/png", _png_with_text()),
    "base64 of nothing": (_SCORE, JSON, _json(b'{"input": {"x": "', b"AAAA", b'"}}')),
    "images without end": (
        _SCORE,
        JSON,
        b'{"input": {' + b",".join(b'"%x":""' % i for i in range(_MOST // 11)) + b"}}",
    ),
    "parts": (
        _SCORE,
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * (_MOST // 60) + b"--b--",
    ),
    "line breaks in a form": (
        _SCORE,
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n'
        + b"\r\n" * (_MOST // 2 - 100),
    ),
    "a name of a part": (
        _SCORE,
        FORM,
        b'--b\r\nContent-Disposition: form-data; name="x"; filename="'
        + b'\\"' * (_MOST // 2 - 100),
    ),
    "names of parts": (
        _SCORE,
        FORM,
        (
            b'--b\r\nContent-Disposition: form-data; name="x"; filename="'
            + b"y" * 100_000
            + b'"\r\n\r\n\r\n'
        )
        * 99
        + b"--b--\r\n",
    ),
    "a header of a part": (_SCORE, FORM, b"--b\r\nX: " + b"y" * (_MOST - 100)),
    "elements": (
        "/v2/models/image-classification/infer",
        JSON,
        json.dumps(
            {
                "inputs": [
                    {
                        "name": "images",
                        "datatype": "BYTES",
                        "shape": [10**15],
                        "data": [""],
                    }
                ]
            }
        ).encode(),
    ),
}
