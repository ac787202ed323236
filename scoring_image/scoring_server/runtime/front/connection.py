"""A client's connection, and who may touch it."""

import contextlib
import socket
import time
from enum import Enum
from typing import Any

from scoring_server.runtime.front.framing import Inbox

_READ_BYTES = 64 * 1024
_MAX_READ_BYTES = 1024 * 1024


class State(Enum):
    """What a connection does. All but BUSY belong to the main thread, BUSY to a thread of its."""

    IDLE = "no byte of a request has come"
    READING = "a part of a request has come"
    BUSY = "a request waits for a thread or is being answered"
    WRITING = "a part of an answer has gone"
    CLOSING = "all is said; what still comes is dropped, so that the client reads the last answer"


class Connection:
    """A socket that never blocks, what came from it and what is still to go.

    Attributes:
        state: see State; whoever changes it to or from BUSY hands the connection over.
        deadline: when the state must have ended, on the clock of time.monotonic(), seconds.
        progress: when a byte last came or went, on the same clock.
        arrived: when the head of the present request was there.
        outgoing: the part of an answer that the client has not taken yet.
        keep: whether the connection goes on after that.
        counted: whether it holds one of the places for scoring requests.
        armed: whether it is known to the poller.
    """

    __slots__ = (
        "address", "armed", "arrived", "counted", "deadline", "fd", "inbox", "keep", "outgoing",
        "progress", "server", "sock", "state",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, address: Any, server: Any, max_body_bytes: int) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.fd = sock.fileno()
        self.address = address
        self.server = server
        self.inbox = Inbox(max_body_bytes)
        self.state = State.IDLE
        self.progress = self.arrived = time.monotonic()
        self.deadline = 0.0
        self.outgoing: bytes | memoryview = b""
        self.keep = False
        self.counted = False
        self.armed = False

    def receive(self) -> bool | None:
        """Take what has come; False at the end of the stream, None where nothing is there.

        Raises:
            OSError: the connection is broken.
        """
        size = min(max(_READ_BYTES, self.inbox.missing_bytes), _MAX_READ_BYTES)
        try:
            data = self.sock.recv(size)
        except (BlockingIOError, InterruptedError):
            return None
        if not data:
            return False
        self.inbox.feed(data)
        return True

    def send(self, data: bytes | memoryview) -> None:
        """Send what the client takes at once; the rest becomes `outgoing`.

        Raises:
            OSError: the connection is broken.
        """
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        self.outgoing = memoryview(data)[sent:] if sent < len(data) else b""

    def drop(self) -> bool:
        """Read and forget what has come; whether more may come."""
        try:
            return bool(self.sock.recv(_MAX_READ_BYTES))
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False

    def say_no_more(self) -> None:
        """Tell the client that nothing will follow."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """The end."""
        with contextlib.suppress(OSError):
            self.sock.close()
