"""Bodies that were refused without being read: the connection must stay in step or be closed.

A client that is told nothing sends its next request into a connection that is closing, and loses
it.
"""

import sys
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, request

# A body up to this size is read and dropped, which is cheaper for both sides than a new connection.
_DROPPED_BYTES: Final = 1024 * 1024
_LENGTH_DIGITS: Final = 18
_CHUNK_BYTES: Final = 64 * 1024


def must_close(environ: Mapping[str, Any]) -> bool:
    """Drop the body of a request that is answered without it; or say that this is not possible.

    Args:
        environ: of the WSGI request, whose body was not read to its end.
    """
    if "HTTP_TRANSFER_ENCODING" in environ:
        return True
    announced = announced_bytes(environ)
    return announced > _DROPPED_BYTES or not _drop(environ["wsgi.input"], announced)


def announced_bytes(environ: Mapping[str, Any]) -> int:
    """The length that the request gives its body; 0 without one, at most what 64 bits hold."""
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdecimal()):
        return 0
    return int(text) if len(text) <= _LENGTH_DIGITS else sys.maxsize


def register_unread_bodies(app: Flask) -> None:
    """After the answer of a view, none of which needs a body."""

    def settle(response: Response) -> Response:
        if must_close(request.environ):
            response.headers["Connection"] = "close"
        return response

    app.after_request(settle)


def _drop(stream: Any, announced: int) -> bool:
    """Whether the whole body could be read."""
    left = announced
    try:
        while left > 0 and (data := stream.read(min(left, _CHUNK_BYTES))):
            left -= len(data)
    except Exception:
        return False
    return left == 0
