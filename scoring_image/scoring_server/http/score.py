"""POST /score: admission, media type, body, deadline; the model's part is a Scorer's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from scoring_server.batching import Admission, BatcherClosed, DeadlineExceeded, Overloaded
from scoring_server.http.answers import json_response
from scoring_server.http.errors import ApiError
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import Detailed, Scorer, ScoreRequest, Service
from scoring_server.http.settings import HttpSettings
from scoring_server.http.unread import body_was_read


def register_score_route(
    app: Flask, service: Service, settings: HttpSettings, metrics: Metrics
) -> None:
    """Add POST /score."""
    admission = Admission(settings.concurrent_scores)

    @app.post("/score")
    def score() -> Response:
        deadline = time.monotonic() + settings.request_timeout_seconds
        with _refusals(metrics):
            scorer = service.scorer
            if scorer is None:
                metrics.refusals.labels("loading").inc()
                raise ApiError(503, "loading", "the model is still loading: try again")
            _check_media_type(scorer)
            with admission.enter(), metrics.in_flight.track_inprogress():
                body = _read_body(settings.max_body_bytes)
                return _answer(scorer, body, deadline)


@contextmanager
def _refusals(metrics: Metrics) -> Iterator[None]:
    """Work that was not done, as an answer."""
    try:
        yield
    except Overloaded:
        metrics.refusals.labels("overloaded").inc()
        raise ApiError(503, "overloaded", "too many requests at once: try again") from None
    except DeadlineExceeded:
        metrics.refusals.labels("deadline_exceeded").inc()
        raise ApiError(503, "deadline_exceeded", "not done in time: try again") from None
    except BatcherClosed:
        metrics.refusals.labels("stopping").inc()
        raise ApiError(503, "stopping", "the server is stopping: try again") from None


def _answer(scorer: Scorer, body: bytes, deadline: float) -> Response:
    started = time.monotonic()
    scored = scorer.score(ScoreRequest(request.mimetype, request.mimetype_params, body, deadline))
    time_taken = f"Computed in {(time.monotonic() - started) * 1000:.2f} ms"
    if isinstance(scored, Detailed):
        return json_response({"result": [scored.ranking, time_taken, scored.details]})
    return json_response({"result": [scored, time_taken]})


def _read_body(max_bytes: int) -> bytes:
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    except Exception:  # the client left, or the HTTP server's parser met malformed chunks
        raise _incomplete() from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    announced = request.content_length
    if announced is not None and len(body) < announced:  # the server gives out what there was
        raise _incomplete()
    body_was_read()
    return body


def _incomplete() -> ApiError:
    return ApiError(400, "incomplete_body", "the body ended early or its chunks are malformed")


def _too_large(max_bytes: int) -> ApiError:
    return ApiError(413, "body_too_large", f"the body has more than {max_bytes} bytes")


def _check_media_type(scorer: Scorer) -> None:
    if request.mimetype not in scorer.media_types:
        accepted = ", ".join(scorer.media_types)
        raise ApiError(
            415,
            "unsupported_media_type",
            f"this service reads {accepted}: set the header Content-Type",
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ApiError(415, "unsupported_media_type", "compressed bodies are not read")
