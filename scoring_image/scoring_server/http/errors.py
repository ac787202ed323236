"""Errors as the client sees them: {"error": {"code", "message"}}, free of internals."""

import logging

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

_log = logging.getLogger(__name__)

# When to come back to a server that is busy or still loading, seconds.
RETRY_AFTER_SECONDS = 1

_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
}
_MESSAGES = {
    400: "the request is not valid",
    404: "there is nothing at this address: scoring is POST /score",
    405: "this address does not support the method: scoring is POST /score",
}


class ApiError(Exception):
    """A request that is answered with an error.

    Args:
        status: of the HTTP answer.
        code: a word for programs.
        message: a sentence for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def error_body(code: str, message: str) -> bytes:
    """The JSON of an error."""
    return orjson.dumps({"error": {"code": code, "message": message}})


def register_error_handlers(app: Flask) -> None:
    """Turn whatever a view raises into a JSON error."""

    def refused(error: ApiError) -> Response:
        return _response(error.status, error.code, error.message)

    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = _response(
            status, _CODES.get(status, "error"), _MESSAGES.get(status, error.name.lower())
        )
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    def internal(error: Exception) -> Response:
        _log.error("request failed", exc_info=error)
        return _response(500, "internal", "the server failed on this request; its log says why")

    app.register_error_handler(ApiError, refused)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, internal)


def _response(status: int, code: str, message: str) -> Response:
    response = Response(error_body(code, message), status, mimetype="application/json")
    if status in {429, 503}:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
