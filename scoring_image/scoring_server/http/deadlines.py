"""How long a request may take: as its caller says, within what the server allows."""

from collections.abc import Mapping
from typing import Any, Final

from scoring_server.http.errors import ApiError

HEADER: Final = "X-Request-Timeout-Ms"
_ENVIRON: Final = "HTTP_X_REQUEST_TIMEOUT_MS"
_MAX_DIGITS: Final = 9


def seconds_allowed(environ: Mapping[str, Any], most: float) -> float:
    """Seconds from the request's head to its answer.

    Args:
        environ: of the WSGI request.
        most: what the server allows.

    Raises:
        ApiError: the header is no number of milliseconds.
    """
    text: str | None = environ.get(_ENVIRON)
    if text is None:
        return most
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS) or int(text) == 0:
        raise ApiError(
            400, "invalid_header", f"{HEADER} must be a whole number of milliseconds, at least 1"
        )
    return min(int(text) / 1000, most)
