"""The sockets that a worker listens on, together with the other workers."""

import errno
import select
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from scoring_server.runtime.front.limits import KERNEL_SEND_BYTES
from scoring_server.runtime.front.shares import Shares

# So long a connection is left to a worker that has fewer.
_TURN_SECONDS: Final = 0.003
_NO_DESCRIPTORS: Final = (errno.EMFILE, errno.ENFILE)


class Accepted(NamedTuple):
    """A new connection: its socket, the client's address, the server's."""

    sock: socket.socket
    address: Any
    server: Any


class NoDescriptors(Exception):
    """This process may open no more; something has to be closed first."""


class Listeners:
    """Accepts connections, one at a time and in turn with the other workers.

    Args:
        sockets: of gunicorn.
        poller: tells when one of them can accept.
        shares: how many connections each worker has.
        slot: this worker's of these.
    """

    def __init__(
        self, sockets: Sequence[Any], poller: select.epoll, shares: Shares, slot: int
    ) -> None:
        self._poller = poller
        self._shares = shares
        self._slot = slot
        self._left = False  # the last one that came was left to the others
        self._again_at = 0.0
        self._by_fd = {listener.fileno(): listener for listener in sockets}
        for listener in sockets:
            listener.setblocking(False)
            # Which its connections inherit: the kernel's share of what slow readers hold.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_SEND_BYTES)
            poller.register(listener, select.EPOLLIN)

    def __contains__(self, fd: int) -> bool:
        return fd in self._by_fd

    def seconds_left_to_others(self, connections: int, most: float) -> float:
        """How long the poller may be waited for, at most; to be asked before it is.

        Args:
            connections: that this worker has.
            most: where there is nothing else to wait for.
        """
        if not self._by_fd:
            return most
        self._shares.tell(self._slot, connections)
        if not self._again_at:
            return most
        left = self._again_at - time.monotonic()
        if left > 0:
            return left
        self._again_at = 0.0
        for fd in self._by_fd:
            self._poller.modify(fd, select.EPOLLIN)
        return most

    def accept(self, fd: int, connections: int) -> Accepted | None:
        """Take a connection, unless another worker has fewer: then after it had time to do so.

        Raises:
            NoDescriptors: it has to wait.
        """
        self._shares.tell(self._slot, connections)
        if not self._left and self._shares.is_anothers_turn(self._slot):
            self._left = True
            self._again_at = time.monotonic() + _TURN_SECONDS
            for listener in self._by_fd:
                self._poller.modify(listener, 0)
            return None
        self._left = False
        return _accept(self._by_fd[fd])

    def stop(self) -> Iterator[Accepted]:
        """Close them; but first take the connections that wait in their backlogs.

        The kernel has accepted those: their clients have sent requests, which closing the socket
        over them would lose.
        """
        self._shares.leave(self._slot)
        while self._by_fd:
            _, listener = self._by_fd.popitem()
            self._poller.unregister(listener)
            try:
                while (accepted := _accept(listener)) is not None:
                    yield accepted
            except NoDescriptors:
                pass
            listener.close()


def _accept(listener: Any) -> Accepted | None:
    try:
        sock, address = listener.accept()
    except OSError as error:  # there is none any more, or its client has gone
        if error.errno in _NO_DESCRIPTORS:
            raise NoDescriptors from None
        return None
    return Accepted(sock, address, listener.getsockname())
