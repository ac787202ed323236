"""Errors as the client sees them: {"error": {"code", "message"}}, free of internals."""

import logging
from collections.abc import Callable
from typing import Final

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, NotFound

from scoring_server.http.answers import JSON, Answer

_log = logging.getLogger(__name__)

# When to come back to a server that is busy or still loading, seconds.
RETRY_AFTER_SECONDS = 1

_RETRY: Final = (("Retry-After", str(RETRY_AFTER_SECONDS)),)
_HEADERS: Final = {401: (("WWW-Authenticate", "Bearer"),), 429: _RETRY, 503: _RETRY}
_OPEN_INFERENCE: Final = "/v2/"
# From code and message to the JSON of an error.
ErrorBody = Callable[[str, str], bytes]
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


def overloaded() -> ApiError:
    """There is no place for one more request now."""
    return ApiError(503, "overloaded", "too many requests at once: try again")


def error_body(code: str, message: str) -> bytes:
    """The JSON of an error."""
    return orjson.dumps({"error": {"code": code, "message": message}})


def message_body(_code: str, message: str) -> bytes:
    """The JSON of an error in the Open Inference Protocol, which has no codes."""
    return orjson.dumps({"error": message})


def refusal(error: ApiError, body: ErrorBody = error_body) -> Answer:
    """The answer that an ApiError asks for."""
    return _answer(error.status, error.code, error.message, body)


def failure(error: Exception, request_id: str, body: ErrorBody = error_body) -> Answer:
    """The answer to a request that failed for a reason of the server's own, which is logged."""
    _log.error("request failed", exc_info=error, extra={"requestId": request_id})
    message = "the server failed on this request; its log says why"
    return _answer(500, "internal", message, body)


def _answer(status: int, code: str, message: str, body: ErrorBody) -> Answer:
    return Answer(status, body(code, message), _HEADERS.get(status, ()))


def register_error_handlers(app: Flask) -> None:
    """Turn whatever a view raises into a JSON error."""

    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        message = _MESSAGES.get(status, error.name.lower())
        response = _response(_answer(status, _CODES.get(status, "error"), message, _body()))
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    def server_error(error: Exception) -> Response:
        return _response(failure(error, g.trace.request_id, _body()))

    app.register_error_handler(ApiError, lambda error: _response(refusal(error, _body())))
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, server_error)


def not_here(**_path: str) -> Response:
    """The view of addresses that are answered in front of Flask, known to it for other methods.

    POST reaches it where the path is written in another way, such as //score.
    """
    raise NotFound


def _body() -> ErrorBody:
    """How errors at the request's address are written."""
    return message_body if f"{request.path}/".startswith(_OPEN_INFERENCE) else error_body


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, mimetype=JSON)
