"""The Flask app, with POST /score in front of it."""

from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import HTTPException, NotFound

from scoring_server.batching import Admission
from scoring_server.http.errors import not_here, register_error_handlers
from scoring_server.http.keys import ApiKeys
from scoring_server.http.metrics import Metrics
from scoring_server.http.open_inference import (
    InferWire,
    is_infer_path,
    register_open_inference_routes,
)
from scoring_server.http.openapi import register_openapi
from scoring_server.http.requests import RequestLog, register_request_log
from scoring_server.http.score import ROUTE, ScoreRoute, ScoreWire
from scoring_server.http.service import Service
from scoring_server.http.settings import HttpSettings
from scoring_server.http.status import register_status_routes
from scoring_server.http.ui import register_page
from scoring_server.http.unread import register_unread_bodies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create_app(
    service: Service, settings: HttpSettings, metrics: Metrics, keys: ApiKeys | None = None
) -> Flask:
    """The app that serves one model.

    Args:
        service: holds the model once it is loaded; until then /score and readiness answer 503.
        settings: limits of this process.
        metrics: counts what happens.
        keys: one of which POST /score must carry; None: everyone may score.
    """
    app = Flask("scoring_server", static_folder=None)
    log = RequestLog(metrics)
    register_request_log(app, log)
    register_unread_bodies(app)
    register_error_handlers(app)
    register_status_routes(app, service, settings, metrics)
    if settings.page:
        register_page(app, keys_needed=keys is not None, max_body_bytes=settings.max_body_bytes)
    register_open_inference_routes(app, service, settings)
    register_openapi(app, service, settings, keys_needed=keys is not None)
    app.add_url_rule(ROUTE, "score", not_here, methods=["POST"])
    admission = Admission(settings.concurrent_scores)
    score, infer = (
        ScoreRoute(service, settings, metrics, log, keys, wire, admission)
        for wire in (ScoreWire(), InferWire())
    )
    front = Front(app, app.wsgi_app, score, infer, settings.path_prefix)
    app.wsgi_app = front  # type: ignore[method-assign]  # Flask's own way to wrap an app
    return app


class Front:
    """Hands scoring requests to applications of their own and everything else to Flask.

    Args:
        app: knows the routes.
        others: the WSGI application of the app.
        score: the WSGI application of POST /score.
        infer: the WSGI application of the Open Inference Protocol's inferences.
        prefix: every route answers below this path too. Where a path could be meant either way, it
            is meant as it stands: probes do not depend on the prefix.
    """

    def __init__(
        self,
        app: Flask,
        others: "WSGIApplication",
        score: "WSGIApplication",
        infer: "WSGIApplication",
        prefix: str,
    ) -> None:
        self._routes = app.url_map.bind("")
        self._others = others
        self._score = score
        self._infer = infer
        self._prefix = prefix
        self._score_paths = frozenset({ROUTE, prefix + ROUTE})

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer one request."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "POST":
            if path in self._score_paths:
                return self._score(environ, start_response)
            if is_infer_path(path) or is_infer_path(path.removeprefix(self._prefix)):
                return self._infer(environ, start_response)
        if self._prefix and f"{path}/".startswith(f"{self._prefix}/") and not self._knows(path):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._prefix
            environ["PATH_INFO"] = path.removeprefix(self._prefix) or "/"
        return self._others(environ, start_response)

    def _knows(self, path: str) -> bool:
        try:
            self._routes.match(path, method="GET")
        except NotFound:
            return False
        except HTTPException:  # the route has other methods, or another spelling
            return True
        return True
