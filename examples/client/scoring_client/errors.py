"""What can go wrong, by what a caller can do about it."""

from typing import ClassVar


class ScoringError(Exception):
    """A request without an answer.

    Attributes:
        status: of the HTTP answer; None without one.
        code: the service's word for programs, such as "invalid_input"; empty without one.
        message: a sentence for people.
        request_id: under which the service's log has the request.
    """

    passes: ClassVar[bool] = False
    """Whether the same request may be answered later."""

    def __init__(
        self, message: str, *, status: int | None = None, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id


class InvalidRequest(ScoringError):
    """The request itself is wrong: a damaged photograph, an empty question, a body too large."""


class Unauthorized(ScoringError):
    """The API key is missing or is none."""


class UnexpectedAnswer(ScoringError):
    """What answered is not a scoring service of this kind: a wrong address, another model."""


class ServerFailed(ScoringError):
    """The service failed on this request; its log says why."""


class Busy(ScoringError):
    """Refused until the time was over: too many requests, or the model is still loading."""

    passes = True


class Unreachable(ScoringError):
    """No connection, or one that broke."""

    passes = True


class TimedOut(ScoringError):
    """No answer in time."""

    passes = True


def error_of(status: int, code: str, message: str, request_id: str) -> ScoringError:
    """The error that an HTTP answer stands for."""
    return _kind(status)(message, status=status, code=code, request_id=request_id)


def _kind(status: int) -> type[ScoringError]:
    if status in {429, 502, 503, 504}:
        return Busy
    if status in {401, 403}:
        return Unauthorized
    if status in {400, 413, 415, 422, 431}:
        return InvalidRequest
    return ServerFailed if status >= 500 else UnexpectedAnswer
