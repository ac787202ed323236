"""Answers in JSON."""

from typing import Any

import orjson
from flask import Response


def json_response(document: Any, status: int = 200) -> Response:
    """A response whose body is the document."""
    return Response(orjson.dumps(document), status, mimetype="application/json")
