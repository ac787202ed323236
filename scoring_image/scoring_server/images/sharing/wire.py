"""What the owner of the model and a worker say to each other, over a Unix socket.

The owner says once how things are, as JSON, and hands over the memory that they share. From then on
the worker sends requests, and the owner replies, both records of a fixed size.
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

# slot, bytes in it, whether they are a JPEG, deadline on the clock of time.monotonic(): Linux has
# one for all processes.
_REQUEST: Final = struct.Struct("IIId")
_REPLY: Final = struct.Struct("II")
_LENGTH: Final = struct.Struct("I")

# What a reply says became of a slot.
DONE: Final = 0
EXPIRED: Final = 1
FAILED: Final = 2
CLOSED: Final = 3
DAMAGED: Final = 4

_LARGEST_GREETING: Final = 64 * 1024 * 1024


class Request(NamedTuple):
    """A slot is to be computed."""

    slot: int
    size: int
    is_jpeg: int
    deadline: float


class Reply(NamedTuple):
    """A slot is done with."""

    slot: int
    outcome: int


class Records:
    """Cuts a stream of bytes into records."""

    def __init__(self, record: struct.Struct) -> None:
        self._record = record
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[Any, ...]]:
        """The records that are complete now."""
        data = self._rest + data
        whole = len(data) - len(data) % self._record.size
        self._rest = data[whole:]
        return self._record.iter_unpack(data[:whole])


def request_records() -> Records:
    """For what a worker sends."""
    return Records(_REQUEST)


def reply_records() -> Records:
    """For what the owner sends."""
    return Records(_REPLY)


def pack_request(request: Request) -> bytes:
    """As a record."""
    return _REQUEST.pack(*request)


def pack_replies(replies: list[Reply]) -> bytes:
    """As records."""
    return b"".join(_REPLY.pack(*reply) for reply in replies)


def send_greeting(connection: socket.socket, greeting: Mapping[str, Any], fd: int | None) -> None:
    """Say how things are, and hand over memory.

    Raises:
        OSError: nobody listens any more.
    """
    data = orjson.dumps(greeting)
    # Access to the memory goes with the first bytes.
    socket.send_fds(connection, [_LENGTH.pack(len(data))], [] if fd is None else [fd])
    connection.sendall(data)


def receive_greeting(connection: socket.socket) -> tuple[dict[str, Any], int | None]:
    """What send_greeting sent.

    Raises:
        OSError: the owner is gone.
    """
    head, fds, _, _ = socket.recv_fds(connection, _LENGTH.size, 1)
    if len(head) < _LENGTH.size:
        raise ConnectionResetError("the owner of the model ended")
    (length,) = _LENGTH.unpack(head)
    if length > _LARGEST_GREETING:
        raise ConnectionAbortedError("the owner of the model does not speak this language")
    data = bytearray()
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise ConnectionResetError("the owner of the model ended")
        data += part
    greeting: dict[str, Any] = orjson.loads(data)
    return greeting, fds[0] if fds else None
