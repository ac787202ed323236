"""Answers in JSON."""

from typing import Any, Final, NamedTuple

import orjson
from flask import Response

JSON: Final = "application/json"


class Answer(NamedTuple):
    """An answer whose body is JSON.

    Attributes:
        headers: beside Content-Type and Content-Length.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def json_response(document: Any, status: int = 200) -> Response:
    """A response whose body is the document."""
    return Response(orjson.dumps(document), status, mimetype=JSON)
