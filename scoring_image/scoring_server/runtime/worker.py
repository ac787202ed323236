"""gunicorn's threaded worker, changed where it would lose requests or show internals."""

import contextlib
import logging
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors as parse_errors
from gunicorn.workers.gthread import ThreadWorker

from scoring_server.http.errors import error_body

_log = logging.getLogger(__name__)

_STATUSES: Final = {
    parse_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    parse_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    parse_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    parse_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no annotations
    """Serves whoever got through to the socket, and answers malformed HTTP in JSON."""

    wsgi: Any
    _drained = False

    def load_wsgi(self) -> None:
        """Let the app close a connection by the header Connection: close.

        gunicorn drops that header from an app's answers, as WSGI forbids it to apps in general.
        """
        super().load_wsgi()
        app = self.wsgi

        def closing(environ: dict[str, Any], start_response: Any) -> Any:
            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                if ("Connection", "close") in headers:
                    start_response.__self__.force_close()
                return start_response(status, headers, *rest)

            return app(environ, start)

        self.wsgi = closing

    def set_accept_enabled(self, enabled: bool) -> None:
        """When it stops, first take the connections that wait in the socket's backlog.

        The kernel has accepted those: their clients have sent requests, which closing the socket
        over them would lose. Afterwards the socket is closed at once rather than at the end, so
        that no more of them come.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive or self._drained:
            return
        self._drained = True
        for listener in self.sockets:
            connections = -1
            while connections != self.nr_conns:
                connections = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that never reached the app; neither answer nor log quote it."""
        malformed = isinstance(exc, parse_errors.ParseException)
        status = _STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        if malformed:
            body = error_body("malformed_http", status.phrase.lower())
            _log.info("malformed HTTP request refused", extra={"error": type(exc).__name__})
        else:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            body = error_body("internal", "the server failed on this request; its log says why")
            _log.error("request failed outside of the app", exc_info=exc)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # the client may have gone
            client.sendall(head.encode("ascii") + body)
