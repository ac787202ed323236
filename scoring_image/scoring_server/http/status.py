"""What tells about the server: /, /version, the probes, /metrics."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST

from scoring_server.http.answers import json_response
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import Scorer, Service
from scoring_server.http.settings import HttpSettings

# A batch may take as long as a request is given; where nothing has moved for twice that, it is
# stuck, and all that waits for it has been refused.
_STALL_FACTOR: Final = 2


def register_status_routes(
    app: Flask, service: Service, settings: HttpSettings, metrics: Metrics
) -> None:
    """Add the routes that need no model to answer."""

    @app.get("/")
    def index() -> Response:
        return Response("Healthy", mimetype="text/plain")

    @app.get("/version")
    def show_version() -> Response:
        return json_response(_version_document(service.scorer, settings))

    @app.get("/healthz/live")
    def live() -> Response:
        if not is_live(service, settings):
            return json_response({"status": "stalled"}, 503)
        return json_response({"status": "live"})

    @app.get("/healthz/ready")
    def ready() -> Response:
        if service.scorer is None:
            return json_response({"status": "loading"}, 503)
        if service.failed:
            return json_response({"status": "failed"}, 503)
        return json_response({"status": "ready"})

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics.render(), content_type=CONTENT_TYPE_LATEST)


def is_live(service: Service, settings: HttpSettings) -> bool:
    """Whether what runs beside the requests moves."""
    limit = _STALL_FACTOR * settings.request_timeout_seconds
    return service.scorer is None or service.scorer.stalled_seconds() <= limit


def is_ready(service: Service) -> bool:
    """Whether requests are answered."""
    return service.scorer is not None and not service.failed


def _version_document(scorer: Scorer | None, settings: HttpSettings) -> Mapping[str, Any]:
    """Model and backend are null while the model is loading."""
    return {
        "version": version("scoring-server"),
        "model": vars(scorer.model) if scorer else None,
        "backend": vars(scorer.backend) if scorer else None,
        "workers": settings.workers,
        "threads": settings.threads,
    }
