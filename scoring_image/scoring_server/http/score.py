"""POST /score: keys, admission, media type, body, deadline; the model's part is a Scorer's.

A WSGI application of its own: what Flask does around a view takes as long as scoring a question.
"""

import time
from collections.abc import Coroutine, Generator, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from werkzeug.http import parse_options_header

from scoring_server.batching import (
    Admission,
    BatcherClosed,
    DeadlineExceeded,
    Overloaded,
    Wait,
    run,
)
from scoring_server.http.answers import Answer
from scoring_server.http.authentication import authenticate
from scoring_server.http.deadlines import seconds_allowed
from scoring_server.http.errors import (
    ApiError,
    ErrorBody,
    error_body,
    failure,
    overloaded,
    refusal,
)
from scoring_server.http.keys import ApiKeys
from scoring_server.http.metrics import Metrics
from scoring_server.http.requests import RequestLog
from scoring_server.http.service import Detailed, Scorer, ScoreRequest, Service
from scoring_server.http.settings import HttpSettings
from scoring_server.http.tracing import trace_of
from scoring_server.http.unread import announced_bytes, must_close

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROUTE: Final = "/score"
# Where a request waited before it came here: when its head was there, on time.monotonic()'s clock.
ARRIVED: Final = "scoring_server.arrived"
# Refusals that say something about the server or its callers, as opposed to a request.
_COUNTED: Final = frozenset(
    {"loading", "unauthorized", "overloaded", "deadline_exceeded", "stopping"}
)
# No registered type, but what many programs and people call it.
_ALIASES: Final = {"image/jpg": "image/jpeg"}
_STATUS_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Wire(Protocol):
    """A way to ask for scores and to answer.

    Attributes:
        route: its pattern, for the log.
        error_body: from code and message to the JSON of an error.
    """

    @property
    def route(self) -> str: ...

    @property
    def error_body(self) -> ErrorBody: ...

    def accept(self, environ: "WSGIEnvironment", scorer: Scorer) -> tuple[str, Mapping[str, str]]:
        """Media type and parameters for the ScoreRequest, before the body is read.

        Raises:
            ApiError: another media type is needed.
        """
        ...

    async def answer(self, scorer: Scorer, request: ScoreRequest) -> Answer:
        """Score.

        Raises:
            ApiError, Overloaded, DeadlineExceeded: see Scorer.
        """
        ...


class ScoreWire:
    """POST /score: {"result": [ranking, time taken]}."""

    route = ROUTE
    error_body = staticmethod(error_body)

    def accept(self, environ: "WSGIEnvironment", scorer: Scorer) -> tuple[str, Mapping[str, str]]:
        """Media type and its parameters."""
        return _media_type(environ, scorer)

    async def answer(self, scorer: Scorer, request: ScoreRequest) -> Answer:
        """Score, and say how long it took."""
        return Answer(200, await _result(scorer, request))


class Later:
    """The body of an answer that is still to be made, by whoever iterates it or awaits it.

    Iterating, as any WSGI server does, keeps the thread until the answer is there; a server whose
    threads have better to do awaits it. start_response is called meanwhile.
    """

    def __init__(self, steps: Coroutine[Wait[Any], None, tuple[bytes]]) -> None:
        self._steps = steps

    def __await__(self) -> Generator[Wait[Any], None, tuple[bytes]]:
        return self._steps.__await__()

    def __iter__(self) -> Iterator[bytes]:
        return iter(run(self._steps))


class ScoreRoute:
    """Answers scoring requests.

    Args:
        service: holds the model once it is loaded.
        settings: limits of this process.
        metrics: counts refusals.
        log: is told about every request.
        keys: one of which a request must carry; None: everyone may score.
        wire: how scores are asked for.
        admission: shared between the ways to ask for scores.
    """

    def __init__(
        self,
        service: Service,
        settings: HttpSettings,
        metrics: Metrics,
        log: RequestLog,
        keys: ApiKeys | None,
        wire: Wire,
        admission: Admission,
    ) -> None:
        self._service = service
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._keys = keys
        self._wire = wire
        self._admission = admission

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Later:
        """Answer one request."""
        return Later(self._answer(environ, start_response))

    async def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> tuple[bytes]:
        exchange = _Exchange(environ)
        try:
            answer = await self._score(exchange)
        except Exception as error:
            answer = self._error(error, exchange)
        headers = [("Content-Type", answer.media_type), ("Content-Length", str(len(answer.body)))]
        headers += answer.headers
        headers += exchange.trace.headers
        if not exchange.body_was_read and must_close(environ):
            headers.append(("Connection", "close"))
        self._log.answered(
            "POST",
            self._wire.route,
            answer.status,
            time.monotonic() - exchange.started,
            announced_bytes(environ) if "CONTENT_LENGTH" in environ else None,
            len(answer.body),
            exchange.trace,
            exchange.api_key,
        )
        start_response(_STATUS_LINES[answer.status], headers)
        return (answer.body,)

    def _error(self, error: Exception, exchange: "_Exchange") -> Answer:
        refused = _refusal_for(error)
        if refused is None:
            return failure(error, exchange.trace.request_id, self._wire.error_body)
        if refused.code in _COUNTED:
            self._metrics.refused(refused.code)
        return refusal(refused, self._wire.error_body)

    async def _score(self, exchange: "_Exchange") -> Answer:
        if self._keys is not None:
            exchange.authenticate(self._keys)
        scorer = self._service.scorer
        if scorer is None:
            raise ApiError(503, "loading", "the model is still loading: try again")
        _check_coding(exchange.environ)
        mimetype, parameters = self._wire.accept(exchange.environ, scorer)
        seconds = seconds_allowed(exchange.environ, self._settings.request_timeout_seconds)
        deadline = exchange.started + seconds
        with self._admission.enter():
            body = exchange.read_body(self._settings.max_body_bytes)
            if time.monotonic() >= deadline:
                raise DeadlineExceeded
            request = ScoreRequest(mimetype, parameters, body, deadline)
            return await self._wire.answer(scorer, request)


class _Exchange:
    """One request while it is answered."""

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self.environ = environ
        self.started: float = environ.get(ARRIVED) or time.monotonic()
        self.trace = trace_of(environ)
        self.body_was_read = False
        self.api_key: str | None = None

    def authenticate(self, keys: ApiKeys) -> None:
        self.api_key = authenticate(self.environ, keys)

    def read_body(self, max_bytes: int) -> bytes:
        chunked = "HTTP_TRANSFER_ENCODING" in self.environ
        announced = announced_bytes(self.environ)
        if announced > max_bytes:
            raise _too_large(max_bytes)
        try:
            body: bytes = self.environ["wsgi.input"].read(max_bytes + 1 if chunked else announced)
        except Exception:  # the client left, or the HTTP server's parser met malformed chunks
            raise _incomplete() from None
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if len(body) < announced:  # the HTTP server gives out what there was
            raise _incomplete()
        self.body_was_read = True
        return body


def _refusal_for(error: Exception) -> ApiError | None:
    """What a client is told of work that was not done; None where the server failed."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Overloaded):
        return overloaded()
    if isinstance(error, DeadlineExceeded):
        return ApiError(503, "deadline_exceeded", "not done in time: try again")
    if isinstance(error, BatcherClosed):
        return ApiError(503, "stopping", "the server is stopping: try again")
    return None


async def _result(scorer: Scorer, request: ScoreRequest) -> bytes:
    started = time.monotonic()
    scored = await scorer.score(request)
    time_taken = f"Computed in {(time.monotonic() - started) * 1000:.2f} ms"
    if isinstance(scored, Detailed):
        return orjson.dumps({"result": [scored.ranking, time_taken, scored.details]})
    return orjson.dumps({"result": [scored, time_taken]})


def _incomplete() -> ApiError:
    return ApiError(400, "incomplete_body", "the body ended early or its chunks are malformed")


def _too_large(max_bytes: int) -> ApiError:
    return ApiError(413, "body_too_large", f"the body has more than {max_bytes} bytes")


def _media_type(environ: Mapping[str, Any], scorer: Scorer) -> tuple[str, Mapping[str, str]]:
    """Media type and its parameters."""
    header = environ.get("CONTENT_TYPE", "")
    mimetype: str = header
    parameters: Mapping[str, str] = {}
    if header not in scorer.media_types:
        mimetype, parameters = parse_options_header(header)
        mimetype = mimetype.lower()
        mimetype = _ALIASES.get(mimetype, mimetype)
    if mimetype not in scorer.media_types:
        accepted = ", ".join(scorer.media_types)
        raise ApiError(
            415,
            "unsupported_media_type",
            f"this service reads {accepted}: set the header Content-Type",
        )
    return mimetype, parameters


def _check_coding(environ: Mapping[str, Any]) -> None:
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise ApiError(415, "unsupported_media_type", "compressed bodies are not read")
