"""Who has to go when too much is held."""

import socket
from collections.abc import Iterator

import pytest

from scoring_server.runtime.front.connection import Connection, State
from scoring_server.runtime.front.limits import SMALL_BYTES
from scoring_server.runtime.front.patience import longest_idle, stalled_body, unread_answers

LARGE = SMALL_BYTES + 1


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    """Four, each of which moved a second after the one before it."""
    made = []
    others = []
    for second in range(4):
        ours, theirs = socket.socketpair()
        connection = Connection(ours, "", "", 1 << 30)
        connection.progress = float(second)
        made.append(connection)
        others.append(theirs)
    yield made
    for connection, other in zip(made, others, strict=True):
        connection.close()
        other.close()


def test_the_large_body_that_stood_still_for_longest_goes(connections: list[Connection]) -> None:
    small, busy, slow, newer = connections
    for connection, size in ((small, 10), (busy, LARGE), (slow, LARGE), (newer, LARGE)):
        connection.state = State.READING
        connection.inbox.feed(b"x" * size)
    busy.state = State.BUSY
    assert stalled_body(connections) is slow
    assert stalled_body([small, busy]) is None


def test_unread_answers_go_until_the_rest_is_little_enough(connections: list[Connection]) -> None:
    for connection in connections:
        connection.state = State.WRITING
        connection.outgoing = b"x" * LARGE
    connections[0].outgoing = b"small"
    assert unread_answers(connections, 3 * LARGE) == []
    assert unread_answers(connections, 2 * LARGE) == [connections[1]]
    assert unread_answers(connections, 0) == connections[1:]


def test_room_is_made_by_those_between_requests_first(connections: list[Connection]) -> None:
    reading, idle, busy, closing = connections
    reading.state, busy.state, closing.state = State.READING, State.BUSY, State.CLOSING
    assert longest_idle(connections) == [idle, closing, reading]
