"""Which thread answers: cheap questions do not change hands."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from scoring_server.runtime.front import answerers, limits
from scoring_server.runtime.front.answerers import Answerers
from scoring_server.runtime.front.answering import Answered
from scoring_server.runtime.front.connection import Connection
from scoring_server.runtime.front.connections import Connections
from scoring_server.runtime.front.waits import Waits

BODY = b"x" * 100


class Gauge:
    def inc(self) -> None: ...

    def dec(self) -> None: ...


@pytest.fixture(autouse=True)
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: Any, **__: Any) -> Answered:
        return Answered(b"HTTP/1.1 200 OK\r\n\r\n", keep=False, nothing_follows=True)

    monkeypatch.setattr(answerers, "answer_request", answer)


@pytest.fixture
def connection() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = Connection(ours, ("", 0), ("", 0), 10_000)
        length = str(len(BODY)).encode()
        made.inbox.feed(b"POST /score HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n" + BODY)
        made.inbox.look()
        yield made


def make(*, cheap_bytes: int, seconds: float) -> Answerers:
    settings: Any = SimpleNamespace(
        places=1, most_places=8, cheap_bytes=cheap_bytes, in_flight=Gauge(), client_seconds=1.0
    )
    made = Answerers(
        settings, Connections(), lambda *_: (b"",), None, lambda: True, Waits(lambda: None)
    )
    made._seconds = seconds
    return made


def test_a_cheap_question_is_answered_by_the_thread_that_read_it(connection: Connection) -> None:
    made = make(cheap_bytes=4096, seconds=limits.CHEAP_SECONDS / 2)
    assert made.take(connection)
    assert made.has_at_hand
    made.answer_at_hand(0.0)
    assert not made.has_at_hand
    assert not connection.counted, "its place is free again"
    assert made._scoring.empty()


@pytest.mark.parametrize(
    ("cheap_bytes", "seconds"),
    [
        pytest.param(4096, limits.CHEAP_SECONDS * 2, id="its like took long lately"),
        pytest.param(50, limits.CHEAP_SECONDS / 2, id="it is long"),
        pytest.param(0, limits.CHEAP_SECONDS / 2, id="none is cheap"),
    ],
)
def test_any_other_request_is_for_the_threads(
    connection: Connection, cheap_bytes: int, seconds: float
) -> None:
    made = make(cheap_bytes=cheap_bytes, seconds=seconds)
    assert made.take(connection)
    assert not made.has_at_hand
    assert made._scoring.get_nowait() is connection


def test_what_was_taken_is_answered_for_as_long_as_it_is_told_and_one_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = make(cheap_bytes=4096, seconds=0.0)
    clock = iter(range(100))
    monkeypatch.setattr(answerers, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    served: list[int] = []
    monkeypatch.setattr(made, "_try", served.append)
    made._at_hand.extend(range(6))  # type: ignore[arg-type]  # only counted
    made.answer_at_hand(0.0)
    assert served == [0]
    made.answer_at_hand(3.0)
    assert served == [0, 1, 2, 3]
    made.answer_at_hand(100.0)
    assert served == [0, 1, 2, 3, 4, 5]
