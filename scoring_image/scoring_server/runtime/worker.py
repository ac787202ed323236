"""gunicorn's threaded worker, changed where it would lose requests, show internals or cost more."""

import contextlib
import logging
import select
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors as parse_errors
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from scoring_server.http.errors import error_body

_log = logging.getLogger(__name__)

_STATUSES: Final = {
    parse_errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    parse_errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    parse_errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    parse_errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}
# Copying a larger body behind its head costs more than a second write.
_JOINED_BYTES: Final = 128 * 1024
# How long a thread stays with a connection for its next request, and the share of the threads that
# may do so; the others find new connections, probes and refusals.
_LINGER_MILLISECONDS: Final = 20
_LINGERING_SHARE: Final = 0.5


class _Response(wsgi.Response):  # type: ignore[misc]  # gunicorn has no annotations
    """An answer whose head and body are one write, and one packet if they fit."""

    headers_sent: bool
    _head = b""

    def process_headers(self, headers: Any) -> None:
        """Let the app close a connection by the header Connection: close.

        gunicorn drops that header, as WSGI forbids it to apps in general.
        """
        super().process_headers(headers)
        if ("Connection", "close") in headers:
            self.force_close()

    def send_headers(self) -> None:
        """Keep the head for the first write."""
        if not self.headers_sent:
            lines = [*self.default_headers(), *(f"{k}: {v}\r\n" for k, v in self.headers), "\r\n"]
            self._head = "".join(lines).encode("latin-1")
            self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        if not self.chunked and len(data) <= _JOINED_BYTES:
            data, self._head = self._head + data, b""
        self._flush_head()
        super()._emit_body(data)

    def close(self) -> None:
        """Send what an answer without a body has not sent yet."""
        self.send_headers()
        self._flush_head()
        super().close()

    def _flush_head(self) -> None:
        if self._head:
            self.sock.sendall(self._head)
            self._head = b""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no annotations
    """Serves whoever got through to the socket, and answers malformed HTTP in JSON."""

    _drained = False
    _lingering = 0

    def handle(self, conn: Any) -> Any:
        """Answer a connection's request, and the next ones if they come at once.

        Handing a connection back to the main thread and out to another one takes as long as
        answering it. A thread stays only while no request waits for one.
        """
        kept = super().handle(conn)
        while kept is True and self._follows(conn):
            kept = super().handle(conn)
        return kept

    def _follows(self, conn: Any) -> bool:
        """Whether the next request has come."""
        # Counted without a lock: once in a while one thread more or less may stay.
        if not self.alive or self._lingering >= self.cfg.threads * _LINGERING_SHARE:
            return False
        if not self.tpool._work_queue.empty():
            return False
        if conn.parser.unreader.buf.getvalue():
            return True  # it came together with the last one
        self._lingering += 1
        try:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            return bool(poll.poll(_LINGER_MILLISECONDS))
        finally:
            self._lingering -= 1

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Run the app; whether the connection may be kept."""
        response, environ = wsgi.create(
            req, conn.sock, conn.client, conn.server, self.cfg, response_class=_Response
        )
        environ["wsgi.multithread"] = True
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        try:
            parts = self.wsgi(environ, response.start_response)
            with contextlib.closing(parts) if hasattr(parts, "close") else contextlib.nullcontext():
                for part in parts:
                    response.write(part)
                response.close()
        except OSError:
            raise
        except Exception as error:
            if not response.headers_sent:
                raise
            _log.error("request failed while it was answered", exc_info=error)
            raise StopIteration from None  # which gunicorn takes for the connection's end
        return not response.should_close()

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
