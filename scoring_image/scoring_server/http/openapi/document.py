"""The OpenAPI document of a service."""

from importlib.metadata import version
from typing import Any, Final

from scoring_server.http.deadlines import HEADER as TIMEOUT_HEADER
from scoring_server.http.openapi import schemas
from scoring_server.http.openapi.schemas import JSON, Schema
from scoring_server.http.service import Scorer
from scoring_server.http.settings import HttpSettings

_TEXT: Final = "text/plain"
_HTML: Final = "text/html"

_ERRORS: Final = {
    400: "The request is malformed or not valid.",
    401: "An API key is missing or wrong.",
    404: "There is no such model.",
    413: "The body is too large, or has too many items.",
    415: "The content type is not read.",
    422: "An image cannot be read.",
    500: "The server failed; its log says why.",
    503: "Overloaded, loading or stopping, or not done in time: try again after Retry-After.",
}


def document(scorer: Scorer, settings: HttpSettings, *, keys_needed: bool) -> dict[str, Any]:
    """Describe the routes of a service with this model.

    Args:
        keys_needed: whether scoring asks for an API key.
    """
    paths = _status_paths() | _open_inference_paths(scorer, keys_needed=keys_needed)
    paths["/score"] = {"post": _score(scorer, keys_needed=keys_needed)}
    if settings.page:
        paths["/ui"] = _get("The page for people", {200: ("The page.", {_HTML: {}})})
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{scorer.model.type}: {scorer.model.name}",
            "version": version("scoring-server"),
            "description": f"Bodies may have {settings.max_body_bytes} bytes.",
        },
        # Relative to this document, so that a path prefix is part of it.
        "servers": [{"url": "."}],
        "paths": dict(sorted(paths.items())),
    }
    if keys_needed:
        found["components"] = {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            }
        }
    return found


def _status_paths() -> dict[str, Any]:
    loading = {503: ("The model is still loading.", _json(schemas.ERROR))}
    status = _json(schemas.STATUS)
    return {
        "/": _get("Whether there is a server", {200: ("Healthy.", {_TEXT: {}})}),
        "/version": _get("What is served", {200: ("Versions.", _json(schemas.VERSION))}),
        "/healthz/live": _get(
            "Liveness probe", {200: ("It lives.", status), 503: ("It is stuck.", status)}
        ),
        "/healthz/ready": _get(
            "Readiness probe", {200: ("It scores.", status), 503: ("It does not.", status)}
        ),
        "/metrics": _get("Prometheus metrics", {200: ("Metrics.", {_TEXT: {}})}),
        "/openapi.json": _get("This document", {200: ("OpenAPI.", _json({})), **loading}),
    }


def _open_inference_paths(scorer: Scorer, *, keys_needed: bool) -> dict[str, Any]:
    signature = scorer.signature
    paths = {
        "/v2": _get("The server", {200: ("Its metadata.", _json(schemas.SERVER))}),
        "/v2/health/live": _health("Whether the server lives", schemas.LIVE),
        "/v2/health/ready": _health("Whether the model is ready", schemas.READY),
    }
    name = _path_parameter("name", [scorer.model.name, scorer.model.type])
    number = _path_parameter("version", ["1"])
    for path, parameters in (
        ("/v2/models/{name}", [name]),
        ("/v2/models/{name}/versions/{version}", [name, number]),
    ):
        missing = _open_inference_errors(404, 503)
        metadata = _get("The model", {200: ("Its metadata.", _json(schemas.MODEL)), **missing})
        ready = _get(
            "Whether the model is ready", {200: ("It is.", _json(schemas.MODEL_READY)), **missing}
        )
        infer = _scoring(
            "Run the model",
            {JSON: {"schema": schemas.infer_request(signature)}},
            {
                200: ("Output tensors.", _json(schemas.infer_answer(signature))),
                **_open_inference_errors(*_scoring_errors(scorer, keys_needed=keys_needed), 404),
            },
            keys_needed=keys_needed,
        )
        paths[path] = metadata | {"parameters": parameters}
        paths[f"{path}/ready"] = ready | {"parameters": parameters}
        paths[f"{path}/infer"] = {"post": infer, "parameters": parameters}
    return paths


def _score(scorer: Scorer, *, keys_needed: bool) -> dict[str, Any]:
    kind = scorer.model.type
    errors = {
        status: (_ERRORS[status], _json(schemas.ERROR))
        for status in _scoring_errors(scorer, keys_needed=keys_needed)
    }
    return _scoring(
        "Score",
        schemas.score_content(kind, scorer.media_types),
        {200: ("The ranking and the time.", _json(schemas.score_answer(kind))), **errors},
        keys_needed=keys_needed,
    )


def _scoring_errors(scorer: Scorer, *, keys_needed: bool) -> list[int]:
    reads_images = len(scorer.media_types) > 1
    return [400, *([401] if keys_needed else []), 413, 415, *([422] if reads_images else []), 500,
            503]  # fmt: skip


def _scoring(
    summary: str, content: Schema, responses: dict[int, Any], *, keys_needed: bool
) -> dict[str, Any]:
    timeout = {
        "name": TIMEOUT_HEADER,
        "in": "header",
        "description": "Milliseconds that the answer may take, within what the server allows.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    }
    operation = {
        "summary": summary,
        "parameters": [timeout],
        "requestBody": {"required": True, "content": content},
        "responses": _responses(responses),
    }
    return operation | {"security": [{"key": []}, {"bearer": []}]} if keys_needed else operation


def _get(summary: str, responses: dict[int, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": _responses(responses)}}


def _health(summary: str, schema: Schema) -> dict[str, Any]:
    content = _json(schema)
    return _get(summary, {200: ("Yes.", content), 503: ("No.", content)})


def _responses(responses: dict[int, Any]) -> dict[str, Any]:
    return {
        str(status): {"description": description, "content": content}
        for status, (description, content) in sorted(responses.items())
    }


def _open_inference_errors(*statuses: int) -> dict[int, Any]:
    content = _json(schemas.OPEN_INFERENCE_ERROR)
    return {status: (_ERRORS[status], content) for status in statuses}


def _path_parameter(name: str, values: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": values},
    }


def _json(schema: Schema) -> Schema:
    return {JSON: {"schema": schema}}
