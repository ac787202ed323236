"""What is kept of every request: its metrics and its one line in the log."""

import logging
import time
from typing import Final

from flask import Flask, Response, g, request

from scoring_server.http.metrics import Metrics
from scoring_server.http.tracing import Trace, trace_of

_log = logging.getLogger("scoring_server.access")

_UNMATCHED: Final = "unmatched"
_QUIET_ROUTES: Final = frozenset({"/healthz/live", "/healthz/ready", "/metrics"})


class RequestLog:
    """Counts, times and logs requests.

    The line holds the route that matched, never the path; all that the client chose in it are the
    ids of the request and its trace, where these are well-formed. Probes and scrapes are logged at
    debug level.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answered(
        self,
        method: str,
        route: str,
        status: int,
        seconds: float,
        bytes_in: int | None,
        bytes_out: int | None,
        trace: Trace,
        api_key: str | None = None,
    ) -> None:
        """A request was answered.

        Args:
            method: of the request.
            route: its pattern.
            status: of the answer.
            seconds: from the request's headers to its answer.
            bytes_in, bytes_out: lengths of the bodies, where they are known.
            trace: what the request is called.
            api_key: the name of the key that it carried.
        """
        self._metrics.request_answered(route, status, seconds)
        level = logging.DEBUG if route in _QUIET_ROUTES else logging.INFO
        if not _log.isEnabledFor(level):
            return
        fields: dict[str, object] = {
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "bytesIn": bytes_in,
            "bytesOut": bytes_out,
            "requestId": trace.request_id,
        }
        if trace.trace_id is not None:
            fields["traceId"] = trace.trace_id
        if api_key is not None:
            fields["apiKey"] = api_key
        # Not by _log.info, which walks the stack to find the line that it is called from.
        record = logging.LogRecord(_log.name, level, "", 0, "request", None, None)
        record.__dict__.update(fields)
        _log.handle(record)


def register_request_log(app: Flask, log: RequestLog) -> None:
    """Keep what is kept of the requests that Flask answers."""

    def begin() -> None:
        g.started = time.monotonic()
        g.trace = trace_of(request.environ)

    def finish(response: Response) -> Response:
        response.headers.extend(g.trace.headers)
        log.answered(
            request.method,
            request.url_rule.rule if request.url_rule else _UNMATCHED,
            response.status_code,
            time.monotonic() - g.started,
            request.content_length,
            response.content_length,
            g.trace,
        )
        return response

    app.before_request(begin)
    app.after_request(finish)
