"""What the protocol asks with GET: the server, its health, and its model."""

from importlib.metadata import version
from typing import Any

from flask import Flask, Response

from scoring_server.http.answers import json_response
from scoring_server.http.errors import ApiError, not_here
from scoring_server.http.open_inference.infer import VERSION, InferWire, check_model
from scoring_server.http.service import Scorer, Service
from scoring_server.http.settings import HttpSettings
from scoring_server.http.status import is_live, is_ready

_MODEL = "/v2/models/<name>"
_VERSION = "/versions/<version>"


def register_open_inference_routes(app: Flask, service: Service, settings: HttpSettings) -> None:
    """Add them; none needs a key, as they say no more than /version does."""

    @app.get("/v2")
    def server_metadata() -> Response:
        return json_response(
            {
                "name": "scoring-server",
                "version": version("scoring-server"),
                "extensions": ["binary_tensor_data"],
            }
        )

    @app.get("/v2/health/live")
    def server_live() -> Response:
        live = is_live(service, settings)
        return json_response({"live": live}, 200 if live else 503)

    @app.get("/v2/health/ready")
    def server_ready() -> Response:
        ready = is_ready(service)
        return json_response({"ready": ready}, 200 if ready else 503)

    def model_metadata(name: str, version: str | None = None) -> Response:
        return json_response(_metadata(_model(name, version)))

    def model_ready(name: str, version: str | None = None) -> Response:
        model = _model(name, version).model
        ready = is_ready(service)
        return json_response({"name": model.name, "ready": ready}, 200 if ready else 503)

    def _model(name: str, version: str | None) -> Scorer:
        if service.scorer is None:
            raise ApiError(503, "loading", "the model is still loading: try again")
        check_model(service.scorer.model, name, version)
        return service.scorer

    for rule in (_MODEL, _MODEL + _VERSION):
        app.add_url_rule(rule, f"metadata {rule}", model_metadata)
        app.add_url_rule(f"{rule}/ready", f"ready {rule}", model_ready)
    app.add_url_rule(InferWire.route, "infer", not_here, methods=["POST"])
    app.add_url_rule(f"{_MODEL}{_VERSION}/infer", "infer a version", not_here, methods=["POST"])


def _metadata(scorer: Scorer) -> dict[str, Any]:
    return {
        "name": scorer.model.name,
        "versions": [VERSION],
        "platform": f"scoring-server_{scorer.model.type}",
        "inputs": [scorer.signature.input.document],
        "outputs": [spec.document for spec in scorer.signature.outputs],
    }
