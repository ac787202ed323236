"""Requests that can be read in one way only, read without gunicorn's parser.

What a scoring client sends is nearly always a POST whose head is a handful of short lines. gunicorn
takes as long to read that, and to write the answer's head, as the model takes for a question. What
is read here is a small part of what HTTP allows; whatever else comes is gunicorn's, which refuses
or understands it. A test holds the two together: a head that is plain means the same to both.
"""

import contextlib
import io
import re
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from gunicorn import SERVER_SOFTWARE
from gunicorn.util import is_hoppish

from scoring_server.http.score import Later

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# All of gunicorn's limits are higher.
_MAX_HEAD_BYTES: Final = 4000
_MAX_FIELDS: Final = 50
# Visible ASCII, every line ended in one way; no query, nothing in the path that has to be decoded.
_PLAIN: Final = re.compile(
    rb"POST /[A-Za-z0-9/._-]* HTTP/1\.1\r\n(?:[A-Za-z0-9-]+:[\t\x20-\x7e]*\r\n)+\r\n"
)
# What these ask for is gunicorn's to decide: where a request ends, whether a connection is kept,
# which proxy may speak for a client.
_NOT_PLAIN: Final = frozenset(
    {
        "HTTP_EXPECT",
        "HTTP_PROXY_CONNECTION",
        "HTTP_TE",
        "HTTP_TRAILER",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_UPGRADE",
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_FORWARDED_PROTOCOL",
        "HTTP_X_FORWARDED_SSL",
    }
)
_UNPREFIXED: Final = frozenset({"CONTENT_LENGTH", "CONTENT_TYPE"})
_SAME_FOR_ALL: Final[dict[str, Any]] = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_SOFTWARE": SERVER_SOFTWARE,
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}
_STATUS: Final = re.compile(r"[0-9]{3} [\x20-\x7e]*")
_FIELD: Final = re.compile(r"[A-Za-z0-9-]+: [\t\x20-\x7e]*")


def plain_environ(
    head: bytes, body: bytes, client: tuple[Any, ...], server: tuple[Any, ...]
) -> "WSGIEnvironment | None":
    """The WSGI environment of a request; None where gunicorn has to read it.

    Args:
        head: with the empty line at its end.
        body: all of it.
        client, server: address and port.
    """
    if len(head) > _MAX_HEAD_BYTES or not _PLAIN.fullmatch(head):
        return None
    line, *fields = head.decode("ascii").split("\r\n")[:-2]
    if len(fields) > _MAX_FIELDS:
        return None
    path = line.split(" ")[1]
    environ: dict[str, Any] = {
        **_SAME_FOR_ALL,
        "RAW_URI": path,
        "PATH_INFO": path,
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "wsgi.errors": sys.stderr,
        "wsgi.input": io.BytesIO(body),
    }
    for field in fields:
        name, _, value = field.partition(":")
        key = name.upper().replace("-", "_")
        if key not in _UNPREFIXED:
            key = f"HTTP_{key}"
        if key in _NOT_PLAIN or key in environ:  # or is there twice
            return None
        environ[key] = value.strip(" \t")
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal() or int(length) != len(body):
        return None
    if environ.get("HTTP_CONNECTION", "keep-alive").lower() != "keep-alive":
        return None
    return environ


class PlainAnswer:
    """Runs the app on a plain request.

    Args:
        goes_on: whether connections may be kept; asked when the answer is there.

    Attributes:
        keep: whether the connection goes on.
    """

    def __init__(self, goes_on: Callable[[], bool]) -> None:
        self.keep = False
        self._goes_on = goes_on
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._written: list[bytes] = []

    async def run(self, app: "WSGIApplication", environ: "WSGIEnvironment") -> bytes:
        """The answer as it goes over the wire.

        Raises:
            ValueError: the app's status or headers are none that HTTP has.
        """
        parts: Any = app(environ, self._start_response)
        if isinstance(parts, Later):
            parts = await parts
        with contextlib.closing(parts) if hasattr(parts, "close") else contextlib.nullcontext():
            body = b"".join([*self._written, *parts])
        self.keep = self._goes_on() and ("Connection", "close") not in self._headers
        lines = [f"{name}: {value}" for name, value in self._headers if not _is_ours(name)]
        if not _STATUS.fullmatch(self._status) or not all(map(_FIELD.fullmatch, lines)):
            raise ValueError("the app's status or one of its headers is malformed")
        lines.append(f"Content-Length: {len(body)}")
        head = (
            f"HTTP/1.1 {self._status}\r\nServer: gunicorn\r\nDate: {_date(int(time.time()))}\r\n"
            f"Connection: {'keep-alive' if self.keep else 'close'}\r\n"
        )
        head += "\r\n".join([*lines, "", ""])
        return head.encode("ascii") + body

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        self._status, self._headers = status, headers
        return self._written.append


def _is_ours(name: str) -> bool:
    """Whether a header is about the connection, or the length that is told anyway."""
    return name.lower() == "content-length" or is_hoppish(name)


@lru_cache(maxsize=2)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
