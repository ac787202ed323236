"""Who may score: whoever sends an API key."""

from collections.abc import Mapping
from typing import Any

from scoring_server.http.errors import ApiError
from scoring_server.http.keys import ApiKeys


def authenticate(environ: Mapping[str, Any], keys: ApiKeys) -> str:
    """The name of the key that a request carries.

    X-API-Key decides where it is sent, so that Authorization may belong to a proxy; else
    Authorization with the scheme Bearer does. A header that is sent twice holds no key.

    Args:
        environ: of the WSGI request.
        keys: that are valid.

    Raises:
        ApiError: 401, the same for every reason.
    """
    name = keys.name_of(_presented(environ))
    if name is None:
        raise ApiError(
            401,
            "unauthorized",
            "an API key is needed: send it as X-API-Key or as Authorization: Bearer",
        )
    return name


def _presented(environ: Mapping[str, Any]) -> str:
    key: str | None = environ.get("HTTP_X_API_KEY")
    if key is not None:
        return key
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""
