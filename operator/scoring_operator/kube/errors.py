"""What the API server can answer instead of an object, as exception types.

The message of each error is the server's own (`Status.message`): it is shown to people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """A request that did not succeed.

    `code` is the HTTP status (0 where no answer came), `reason` the machine-readable
    `Status.reason`, `causes` the `Status.details.causes`, `retry_after` what the server asked
    for, in seconds.
    """

    code = 0

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        reason: str = "",
        causes: Sequence[Mapping[str, Any]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = type(self).code if code is None else code
        self.reason = reason
        self.causes = causes
        self.retry_after = retry_after

    def has_cause(self, reason: str) -> bool:
        """Whether the Status names `reason` among its causes, such as NamespaceTerminating."""
        return any(cause.get("reason") == reason for cause in self.causes)


class BadRequest(ApiError):
    """400: the request cannot be understood."""

    code = 400


class Unauthorized(ApiError):
    """401: the credentials are not, or no longer, accepted."""

    code = 401


class Forbidden(ApiError):
    """403: not allowed by RBAC, quota or admission."""

    code = 403


class NotFound(ApiError):
    """404: no such object, or no such kind."""

    code = 404


class Conflict(ApiError):
    """409: the object is not what the request took it for (version, uid, field owner)."""

    code = 409


class AlreadyExists(Conflict):
    """409 on create: the name is taken."""


class Gone(ApiError):
    """410: the resource version is too old."""

    code = 410


class Invalid(ApiError):
    """422: the object breaks the rules of its kind."""

    code = 422


class TooManyRequests(ApiError):
    """429: API Priority and Fairness, or an eviction that must wait."""

    code = 429


class ServerError(ApiError):
    """5xx: the server is in trouble."""

    code = 500


class Unreachable(ApiError):
    """No answer: connection refused or lost, or a time-out. A write may have been done."""


_BY_CODE: dict[int, type[ApiError]] = {
    cls.code: cls
    for cls in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        Gone,
        Invalid,
        TooManyRequests,
    )
}


def error_from(code: int, body: object, retry_after: str | None = None) -> ApiError:
    """The typed error for an answer of `code` >= 400; `body` is the parsed body, else its text."""
    status: Mapping[str, Any] = (
        body if isinstance(body, Mapping) and body.get("kind") == "Status" else {}
    )
    details = status.get("details") or {}
    reason = str(status.get("reason") or "")
    text = body.strip()[:500] if isinstance(body, str) else ""
    message = str(status.get("message") or text or f"the API server answered {code}")
    cls = _BY_CODE.get(code, ServerError if code >= 500 else ApiError)
    if cls is Conflict and reason == "AlreadyExists":
        cls = AlreadyExists
    return cls(
        message,
        code=code,
        reason=reason,
        causes=details.get("causes") or (),
        retry_after=_seconds(retry_after, details.get("retryAfterSeconds")),
    )


def _seconds(header: str | None, detail: object) -> float | None:
    """Seconds to wait from a Retry-After header, else from the Status; dates are not sent."""
    for value in (header, detail):
        try:
            return max(0.0, float(str(value)))
        except ValueError:
            continue
    return None
