"""From the bytes of a whole request to the bytes of its answer: gunicorn's parser and the app."""

import contextlib
import io
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gunicorn.http import errors as parse_errors
from gunicorn.http import wsgi
from gunicorn.http.body import LengthReader
from gunicorn.http.parser import RequestParser

from scoring_server.http.answers import JSON, Answer
from scoring_server.http.errors import error_body
from scoring_server.http.score import ARRIVED, Later
from scoring_server.runtime.front.plain import PlainAnswer, plain_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from scoring_server.runtime.front.connection import Connection

_log = logging.getLogger(__name__)

_STATUSES: Final = {
    parse_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    parse_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    parse_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    parse_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


class Answered(NamedTuple):
    """A request's answer.

    Attributes:
        data: as it goes over the wire; nothing for a request without a first line.
        keep: whether the connection goes on.
        nothing_follows: whether the client said that this was its last request, and all of it came.
    """

    data: bytes
    keep: bool
    nothing_follows: bool


class _Outlet:
    """Takes the place of a socket: an answer goes out in one piece once it is whole."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.parts.append(data)


class _Response(wsgi.Response):  # type: ignore[misc]  # gunicorn has no annotations
    """An answer that lets the app close a connection by the header Connection: close.

    gunicorn drops that header, as WSGI forbids it to apps in general.
    """

    def process_headers(self, headers: Any) -> None:
        """Also look for that one."""
        super().process_headers(headers)
        if ("Connection", "close") in headers:
            self.force_close()


async def answer_request(
    app: "WSGIApplication", cfg: Any, connection: "Connection", goes_on: Callable[[], bool]
) -> Answered:
    """Parse the connection's present request and run the app on it.

    Args:
        cfg: gunicorn's.
        goes_on: whether connections may be kept; asked when the answer is there.
    """
    head, body = connection.inbox.take()
    try:
        if body is not None:
            environ = plain_environ(head, body, connection.address, connection.server)
            if environ is not None:
                environ[ARRIVED] = connection.arrived
                answer = PlainAnswer(goes_on)
                data = await answer.run(app, environ)
                return Answered(data, answer.keep, nothing_follows=False)
        return await _answer(app, cfg, connection, head, body, goes_on)
    except (StopIteration, parse_errors.NoMoreData):
        return Answered(b"", keep=False, nothing_follows=False)
    except Exception as error:
        return Answered(error_answer(error), keep=False, nothing_follows=False)


async def _answer(
    app: "WSGIApplication",
    cfg: Any,
    connection: "Connection",
    head: bytes,
    body: bytes | None,
    goes_on: Callable[[], bool],
) -> Answered:
    parser = RequestParser(cfg, iter((head,)), connection.address)
    request = next(parser)
    request._expected_100_continue = False  # the body is here already
    outlet = _Outlet()
    response, environ = wsgi.create(
        request, outlet, connection.address, connection.server, cfg, response_class=_Response
    )
    environ["wsgi.multithread"] = True
    environ[ARRIVED] = connection.arrived
    in_step = True
    if body is not None:
        environ["wsgi.input"] = io.BytesIO(body)
        in_step = _length(request) == len(body)
    parts: Any = app(environ, response.start_response)
    if isinstance(parts, Later):
        parts = await parts
    if not goes_on() or not in_step:
        response.force_close()
    with contextlib.closing(parts) if hasattr(parts, "close") else contextlib.nullcontext():
        for part in parts:
            response.write(part)
        response.close()
    if body is None:  # chunks: the parser must have found the same end
        in_step = parser.finish_body() and not parser.unreader.buf.getvalue()
    return Answered(
        b"".join(outlet.parts),
        keep=in_step and not response.should_close(),
        nothing_follows=in_step and request.should_close(),
    )


def _length(request: Any) -> int:
    reader = request.body.reader
    return reader.length if isinstance(reader, LengthReader) else 0


def error_answer(error: Exception) -> bytes:
    """The answer to a request that the app did not answer; neither it nor the log quote it."""
    if isinstance(error, parse_errors.ParseException):
        status = _STATUSES.get(type(error), HTTPStatus.BAD_REQUEST)
        _log.info("malformed HTTP request refused", extra={"error": type(error).__name__})
        return closing_answer(status, "malformed_http", status.phrase.lower())
    _log.error("request failed outside of the app", exc_info=error)
    message = "the server failed on this request; its log says why"
    return closing_answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", message)


def closing_answer(status: HTTPStatus, code: str, message: str) -> bytes:
    """An error as the last answer of its connection."""
    return raw_answer(Answer(status.value, error_body(code, message)), keep=False)


def raw_answer(answer: Answer, *, keep: bool) -> bytes:
    """An answer as it goes over the wire."""
    headers = (
        ("Content-Type", JSON),
        ("Content-Length", str(len(answer.body))),
        *answer.headers,
        ("Connection", "keep-alive" if keep else "close"),
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    status = HTTPStatus(answer.status)
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode("latin-1") + answer.body
