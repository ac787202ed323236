"""All connections of a worker, and the poller that says when something happens to one."""

import select
import time
from typing import Final

from scoring_server.runtime.front.connection import Connection, State
from scoring_server.runtime.front.limits import CLOSING_SECONDS

# Once: until it is armed again a connection belongs to whoever handles the event.
READABLE: Final = select.EPOLLIN | select.EPOLLONESHOT
WRITABLE: Final = select.EPOLLOUT | select.EPOLLONESHOT


class Connections:
    """Every thread may call every method, for a connection that belongs to it.

    Attributes:
        poller: wakes the main thread.
        held_bytes: of requests that are not there as a whole; the main thread's.
    """

    def __init__(self) -> None:
        self.poller = select.epoll()
        self.held_bytes = 0
        self._by_fd: dict[int, Connection] = {}

    def __len__(self) -> int:
        return len(self._by_fd)

    def get(self, fd: int) -> Connection | None:
        """The connection with this descriptor."""
        return self._by_fd.get(fd)

    def all(self) -> list[Connection]:
        """As they are now."""
        return list(self._by_fd.values())

    def add(self, connection: Connection) -> None:
        """A new one."""
        self._by_fd[connection.fd] = connection

    def arm(self, connection: Connection, events: int) -> None:
        """Have the main thread woken once; from here on the connection is the main thread's."""
        try:
            if connection.armed:
                self.poller.modify(connection.fd, events)
            else:
                connection.armed = True
                self.poller.register(connection.fd, events)
        except (OSError, ValueError):  # it has been closed meanwhile
            self.close(connection)

    def begin_reading(self, connection: Connection) -> None:
        """A part of a request has come, which is held until the rest has."""
        connection.state = State.READING
        self.held_bytes += len(connection.inbox)

    def end_reading(self, connection: Connection) -> None:
        """It is held for that reason no longer."""
        if connection.state is State.READING:
            self.held_bytes -= len(connection.inbox)
        connection.state = State.BUSY

    def begin_closing(self, connection: Connection) -> None:
        """The last answer has gone; what the client still sends is dropped until it closes.

        Closing over unread bytes would make the kernel reset the connection, and the client might
        lose the answer.
        """
        connection.say_no_more()
        connection.deadline = time.monotonic() + CLOSING_SECONDS
        connection.state = State.CLOSING
        self.arm(connection, READABLE)

    def close(self, connection: Connection) -> None:
        """The end."""
        if connection.state is State.READING:
            self.end_reading(connection)
        if self._by_fd.get(connection.fd) is connection:
            del self._by_fd[connection.fd]
        connection.close()
