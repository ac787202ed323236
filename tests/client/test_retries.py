import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from scoring_client import (
    Busy,
    InvalidRequest,
    Retries,
    ScoringClient,
    ScoringError,
    ServerFailed,
    TimedOut,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
)
from tests.client.scripted import Reply, Scripted, refusal, scripted
from tests.ports import reserved_port

AT_ONCE = Retries(first_seconds=0.0)


def client(service: Scripted, **options: object) -> ScoringClient:
    return ScoringClient(service.url, **{"retries": AT_ONCE, **options})  # type: ignore[arg-type]


def test_what_passes_is_tried_again_under_the_same_id() -> None:
    with scripted(refusal(503), refusal(429), Reply(0), refusal(504), Reply()) as service:
        with client(service) as asking:
            (label,) = asking.classify(b"\xff\xd8")
        assert (label.identifier, label.name, label.probability) == ("n00000001", "red", 1.0)
        assert len(service.asked) == 5
        assert len({headers["X-Request-Id"] for headers in service.asked}) == 1


def test_retry_after_is_waited_at_least() -> None:
    with scripted(refusal(503, Retry_After="1"), Reply()) as service, client(service) as asking:
        started = time.monotonic()
        asking.classify(b"")
        assert time.monotonic() - started >= 1.0


def test_a_wait_that_would_outlast_the_time_is_not_begun() -> None:
    with scripted(refusal(503, Retry_After="60")) as service, client(service) as asking:
        started = time.monotonic()
        with pytest.raises(Busy):
            asking.classify(b"")
        assert time.monotonic() - started < 20
        assert len(service.asked) == 1


def test_attempts_are_bounded() -> None:
    with scripted(refusal(503)) as service, client(service, retries=Retries(3, 0.0)) as asking:
        with pytest.raises(Busy) as caught:
            asking.classify(b"")
        assert len(service.asked) == 3
        assert caught.value.passes


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (refusal(400, "invalid_input"), InvalidRequest, "invalid_input"),
        (refusal(401, "unauthorized"), Unauthorized, "unauthorized"),
        (refusal(413, "body_too_large"), InvalidRequest, "body_too_large"),
        (refusal(422, "unreadable"), InvalidRequest, "unreadable"),
        (refusal(500, "internal"), ServerFailed, "internal"),
        (Reply(404, b"<html>"), UnexpectedAnswer, ""),
        (Reply(308, b"", {"Location": "http://127.0.0.1:1/score"}), UnexpectedAnswer, ""),
        (Reply(200, b"<html>"), UnexpectedAnswer, ""),
        (Reply(200, {"result": 3}), UnexpectedAnswer, ""),
        (Reply(200, {"result": [[[1, 2, 0.5]], "…"]}), UnexpectedAnswer, ""),
    ],
)
def test_what_does_not_pass_is_one_request_and_a_typed_error(
    reply: Reply, kind: type[ScoringError], code: str
) -> None:
    with scripted(reply) as service, client(service) as asking:
        with pytest.raises(kind) as caught:
            asking.classify(b"")
        assert len(service.asked) == 1
    assert (caught.value.code, caught.value.passes) == (code, False)
    if caught.value.status is not None:
        assert caught.value.request_id == service.asked[0]["X-Request-Id"]


def test_a_service_that_says_nothing_is_given_up() -> None:
    never = threading.Event()
    with scripted(Reply(wait=never)) as service, client(service, timeout_seconds=2.0) as asking:
        with pytest.raises(TimedOut):
            asking.classify(b"")
        deadline = time.monotonic() + 60
        while not service.asked:  # it may read the request later than the client gives up
            assert time.monotonic() < deadline
            time.sleep(0.01)
        never.set()
        assert 0 < int(service.asked[0]["X-Request-Timeout-Ms"]) <= 2000


def test_nobody_there_is_unreachable() -> None:
    with reserved_port() as port:
        asking = ScoringClient(f"http://127.0.0.1:{port}", retries=Retries(2, 0.0))
        with asking, pytest.raises(Unreachable):
            asking.ask("anyone?")


@pytest.mark.parametrize("ending", ["", "/", "/score", "/score/"])
def test_the_address_may_be_the_statuss(ending: str) -> None:
    with scripted(Reply()) as service:
        with ScoringClient(f"{service.url}/faq{ending}", api_key="k" * 16) as asking:
            asking.classify(b"")
        assert service.asked[0]["path"] == "/faq/score"
        assert service.asked[0]["X-API-Key"] == "k" * 16


def test_waits_grow_are_bounded_and_differ() -> None:
    retries = Retries(first_seconds=1, longest_seconds=4)
    drawn = {n: [retries.wait_seconds(n, None) for _ in range(200)] for n in (1, 2, 3, 9)}
    assert max(drawn[1]) <= 1
    assert 1 < max(drawn[2]) <= 2
    assert 2 < max(drawn[3]) <= 4
    assert 2 < max(drawn[9]) <= 4
    assert len(set(drawn[1])) > 100


def test_retry_after_may_be_a_date() -> None:
    wait = Retries(first_seconds=0).wait_seconds
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    assert 240 < wait(1, later) < 301
    assert wait(1, format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)) == 0
    for nonsense in ("", "soon", "-1", "1e9", "٣"):
        assert wait(1, nonsense) == 0
