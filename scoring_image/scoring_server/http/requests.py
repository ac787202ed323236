"""Around every request: its metrics and its one line in the log."""

import logging
import time
from typing import Final

from flask import Flask, Response, g, request

from scoring_server.http.metrics import Metrics

_log = logging.getLogger("scoring_server.access")

_UNMATCHED: Final = "unmatched"
_QUIET_ROUTES: Final = frozenset({"/healthz/live", "/healthz/ready", "/metrics"})


def register_request_log(app: Flask, metrics: Metrics) -> None:
    """Count, time and log each request.

    The line holds the route that matched, never the path or anything else that the client chose.
    Probes and scrapes are logged at debug level.
    """

    def begin() -> None:
        g.started = time.monotonic()

    def finish(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else _UNMATCHED
        seconds = time.monotonic() - g.started
        metrics.requests.labels(route, str(response.status_code)).inc()
        metrics.request_seconds.labels(route).observe(seconds)
        _log.log(
            logging.DEBUG if route in _QUIET_ROUTES else logging.INFO,
            "request",
            extra={
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 2),
                "bytesIn": request.content_length,
                "bytesOut": response.content_length,
            },
        )
        return response

    app.before_request(begin)
    app.after_request(finish)
