"""GET /openapi.json."""

from flask import Flask, Response

from scoring_server.http.answers import json_response
from scoring_server.http.errors import ApiError
from scoring_server.http.openapi.document import document
from scoring_server.http.service import Service
from scoring_server.http.settings import HttpSettings


def register_openapi(
    app: Flask, service: Service, settings: HttpSettings, *, keys_needed: bool
) -> None:
    """Add the route.

    Args:
        keys_needed: whether scoring asks for an API key.
    """

    @app.get("/openapi.json")
    def openapi() -> Response:
        if service.scorer is None:
            raise ApiError(503, "loading", "the model is still loading: try again")
        return json_response(document(service.scorer, settings, keys_needed=keys_needed))
