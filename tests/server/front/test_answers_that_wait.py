"""A connection whose answer waits for something has one answer, and its place until then."""

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from scoring_server.batching import DeadlineExceeded, Future, Wait
from scoring_server.http.score import Later
from scoring_server.runtime.front.answerers import Answerers
from scoring_server.runtime.front.connection import Connection, State
from scoring_server.runtime.front.connections import Connections
from scoring_server.runtime.front.waits import Waits

SOON = 60.0
PLAIN = b"POST /score HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
# Left to gunicorn's parser.
OTHER = b"POST /score HTTP/1.1\r\nX-Forwarded-Proto: https\r\nContent-Length: 1\r\n\r\nx"


class Gauge:
    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        self.value += 1

    def dec(self) -> None:
        self.value -= 1


class House:
    """One connection to an app whose answers are what the futures hold, in turn."""

    def __init__(self, seconds: float = SOON) -> None:
        self.futures: list[Future[bytes]] = []
        self.alive = True
        self.in_flight = Gauge()
        self._seconds = seconds
        self.connections = Connections()
        self.waits = Waits(lambda: None)
        settings: Any = SimpleNamespace(
            places=4, most_places=4, cheap_bytes=4096, in_flight=self.in_flight, client_seconds=SOON
        )
        self.answerers = Answerers(
            settings, self.connections, self._app, Config(), lambda: self.alive, self.waits
        )
        self.answerers._seconds = 0.0  # cheap: the calling thread answers
        ours, self.client = socket.socketpair()
        self.client.settimeout(SOON)
        address = ("127.0.0.1", 1)
        self.connection = Connection(ours, address, address, 10_000)
        self.connections.add(self.connection)

    def ask(self, *requests: bytes) -> None:
        """As the main thread does it when these have come."""
        self.connection.inbox.feed(b"".join(requests))
        self.go_on()

    def go_on(self) -> None:
        self.connection.inbox.look()
        self.connections.end_reading(self.connection)
        assert self.answerers.take(self.connection)
        self.answerers.answer_at_hand(0.0)

    def answer(self) -> bytes:
        """What the client gets at once."""
        self.client.setblocking(False)
        try:
            return self.client.recv(65_536)
        except BlockingIOError:
            return b""

    def state(self) -> State:
        """What the connection does now."""
        return self.connection.state

    def _app(self, _environ: Any, start_response: Any) -> Any:
        async def steps() -> tuple[bytes]:
            future: Future[bytes] = Future()
            self.futures.append(future)
            try:
                body = await Wait(future, time.monotonic() + self._seconds)
            except DeadlineExceeded:
                body = b"late"
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return (body,)

        return Later(steps())


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.client.close()
    made.connection.close()


@pytest.fixture
def hasty() -> Iterator[House]:
    """Every answer is too late."""
    made = House(seconds=0.0)
    yield made
    made.client.close()
    made.connection.close()


@pytest.mark.parametrize("request_bytes", [PLAIN, OTHER], ids=["plain", "gunicorn's"])
def test_it_is_answered_when_the_result_is_there(house: House, request_bytes: bytes) -> None:
    house.ask(request_bytes)
    assert house.answer() == b""
    assert house.state() is State.BUSY
    assert house.in_flight.value == 1
    house.futures[0].set_result(b"found")
    answer = house.answer()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"found")
    assert b"Connection: keep-alive\r\n" in answer
    assert house.state() is State.IDLE
    assert house.in_flight.value == 0


def test_a_late_result_is_dropped_and_the_next_request_gets_its_own(hasty: House) -> None:
    hasty.ask(PLAIN)
    hasty.waits.expire()
    assert hasty.answer().endswith(b"late")
    assert hasty.in_flight.value == 0
    hasty._seconds = SOON
    hasty.ask(PLAIN)
    late, timely = hasty.futures
    assert not late.begin()
    assert hasty.answer() == b""
    timely.set_result(b"mine")
    assert hasty.answer().endswith(b"mine")
    assert hasty.answer() == b""


def test_a_result_that_was_being_computed_at_the_deadline_is_dropped(hasty: House) -> None:
    hasty.ask(PLAIN)
    assert hasty.futures[0].begin()
    hasty.waits.expire()
    assert hasty.answer().endswith(b"late")
    hasty.futures[0].set_result(b"too late")
    assert hasty.answer() == b""
    assert hasty.in_flight.value == 0


def test_requests_that_came_together_are_answered_one_after_the_other(house: House) -> None:
    house.ask(PLAIN, PLAIN)
    assert len(house.futures) == 1, "the second is not begun before the first is answered"
    house.futures[0].set_result(b"first")
    assert house.answer().endswith(b"first")
    house.go_on()
    house.futures[1].set_result(b"second")
    assert house.answer().endswith(b"second")


def test_a_client_that_went_away_leaves_its_place(house: House) -> None:
    house.ask(PLAIN)
    house.client.close()
    house.futures[0].set_result(b"for nobody")
    assert house.in_flight.value == 0
    assert len(house.connections) == 0


@pytest.mark.parametrize("request_bytes", [PLAIN, OTHER], ids=["plain", "gunicorn's"])
def test_an_answer_that_waited_while_the_server_stopped_ends_its_connection(
    house: House, request_bytes: bytes
) -> None:
    house.ask(request_bytes)
    house.alive = False
    house.futures[0].set_result(b"found")
    assert b"Connection: close\r\n" in house.answer()
    assert house.state() is State.CLOSING


def test_an_answer_that_cannot_be_written_costs_its_connection_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ask(PLAIN)
    monkeypatch.setattr(house.connections, "arm", lambda *_: 1 / 0)
    house.futures[0].set_result(b"found")
    assert house.in_flight.value == 0
    assert len(house.connections) == 0
