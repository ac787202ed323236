"""The Flask app."""

from flask import Flask

from scoring_server.http.errors import register_error_handlers
from scoring_server.http.metrics import Metrics
from scoring_server.http.requests import register_request_log
from scoring_server.http.score import register_score_route
from scoring_server.http.service import Service
from scoring_server.http.settings import HttpSettings
from scoring_server.http.status import register_status_routes
from scoring_server.http.unread import register_unread_bodies


def create_app(service: Service, settings: HttpSettings, metrics: Metrics) -> Flask:
    """The app that serves one model.

    Args:
        service: holds the model once it is loaded; until then /score and readiness answer 503.
        settings: limits of this process.
        metrics: counts what happens.
    """
    app = Flask("scoring_server", static_folder=None)
    # One more than is accepted: a body without an announced length is cut off there, in silence.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1
    register_request_log(app, metrics)
    register_unread_bodies(app)
    register_error_handlers(app)
    register_score_route(app, service, settings, metrics)
    register_status_routes(app, service, settings, metrics)
    return app
