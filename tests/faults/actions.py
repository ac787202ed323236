"""What can go wrong with one call, and with one event of a watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def failure(code: int) -> dict[str, object]:
    """A metav1.Status."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": f"injected {code}",
        "reason": _REASONS.get(code, "Unknown"),
        "code": code,
    }


@dataclass(frozen=True)
class Answer:
    """Answer in the API server's place: it never sees the call."""

    code: int
    retry_after: int | None = None


@dataclass(frozen=True)
class LoseReply:
    """The API server does it, and the connection breaks before its answer arrives."""


@dataclass(frozen=True)
class CutBody:
    """The answer breaks off in its middle."""


@dataclass(frozen=True)
class Hang:
    """No answer for some seconds, then the connection breaks; the API server never sees it."""

    seconds: float


@dataclass(frozen=True)
class Kill:
    """The operator is killed (SIGKILL): before the API server sees the call, or after it did it."""

    after: bool


@dataclass(frozen=True)
class Meanwhile:
    """Something happens before the API server sees the call, or after it did it."""

    what: Callable[[], object]
    after: bool


Action = Answer | LoseReply | CutBody | Hang | Kill | Meanwhile


@dataclass(frozen=True)
class Drop:
    """The event does not arrive."""


@dataclass(frozen=True)
class Late:
    """The event arrives some seconds later, after younger ones: out of order."""

    seconds: float


@dataclass(frozen=True)
class Twice:
    """The event arrives, and once more some seconds later."""

    seconds: float


@dataclass(frozen=True)
class Error:
    """An ERROR event arrives in the event's place, and the watch ends."""

    code: int


@dataclass(frozen=True)
class Cut:
    """The connection breaks in the middle of the event."""


@dataclass(frozen=True)
class Silence:
    """From here on nothing arrives, and the connection stays open."""


EventAction = Drop | Late | Twice | Error | Cut | Silence
