"""Answers in JSON."""

from typing import Any, Final, NamedTuple

import orjson
from flask import Response

JSON: Final = "application/json"


class Answer(NamedTuple):
    """An answer, mostly in JSON.

    Attributes:
        headers: beside Content-Type and Content-Length.
        media_type: of the body.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = JSON


def json_response(document: Any, status: int = 200) -> Response:
    """A response whose body is the document."""
    return Response(orjson.dumps(document), status, mimetype=JSON)
