"""What can go wrong with one call."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Answer:
    """Answer in the API server's place: it never sees the call."""

    code: int
    retry_after: int | None = None

    @property
    def body(self) -> dict[str, object]:
        """A metav1.Status."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": f"injected {self.code}",
            "reason": _REASONS.get(self.code, "Unknown"),
            "code": self.code,
        }


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


Action = Answer | LoseReply | CutBody | Hang | Kill
