"""Which connections have to go when they hold too much."""

from collections.abc import Iterable
from typing import Final

from scoring_server.runtime.front.connection import Connection, State
from scoring_server.runtime.front.limits import SMALL_BYTES

_AT_ONCE: Final = 16
_WAITING: Final = frozenset({State.IDLE, State.READING, State.CLOSING})


def stalled_body(connections: Iterable[Connection]) -> Connection | None:
    """Of those with a large part of a body, the one that has stood still for longest."""
    large = [
        connection
        for connection in connections
        if connection.state is State.READING and len(connection.inbox) > SMALL_BYTES
    ]
    return min(large, key=_progress, default=None)


def unread_answers(connections: Iterable[Connection], held_bytes: int) -> list[Connection]:
    """Those whose clients have stood still for longest, until the others hold no more than this.

    Answers that are small, or what is left of them, are not counted.
    """
    large = [
        connection
        for connection in connections
        if connection.state is State.WRITING and len(connection.outgoing) > SMALL_BYTES
    ]
    large.sort(key=_progress)
    unsent = sum(len(connection.outgoing) for connection in large)
    going = []
    for connection in large:
        if unsent <= held_bytes:
            break
        unsent -= len(connection.outgoing)
        going.append(connection)
    return going


def longest_idle(connections: Iterable[Connection]) -> list[Connection]:
    """Some that wait for their clients: those between requests first, then unfinished requests."""
    waiting = [connection for connection in connections if connection.state in _WAITING]
    waiting.sort(key=lambda connection: (connection.state is State.READING, connection.progress))
    return waiting[:_AT_ONCE]


def _progress(connection: Connection) -> float:
    return connection.progress
