"""Clients that send or read a byte a second, hundreds of them in one thread."""

import contextlib
import select
import socket
import threading
import time
from types import TracebackType
from typing import Final

_BYTE_SECONDS: Final = 1.0
_HEAD: Final = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
# What a reader's kernel takes of an answer, at most: the smallest that Linux allows.
_READER_BUFFER_BYTES: Final = 2048


class SlowClients:
    """Holds slow connections to a server during a with-block.

    Args:
        heads: connections that never finish a head.
        bodies: connections that never finish a body.
        readers: connections that take their answer a byte a second.
        question: what the readers ask; its answer should be long.
    """

    def __init__(
        self, port: int, *, heads: int = 0, bodies: int = 0, readers: int = 0, question: bytes = b""
    ) -> None:
        self._port = port
        self._kinds = {"heads": heads, "bodies": bodies, "readers": readers}
        self._request = _HEAD + b"Content-Length: %d\r\n\r\n" % len(question) + question
        self._sockets: dict[str, list[socket.socket]] = {kind: [] for kind in self._kinds}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._trickle, daemon=True)

    def __enter__(self) -> "SlowClients":
        # Those first that take some time, as each waits for its answer: heads have 10 s alone.
        while len(self._sockets["readers"]) < self._kinds["readers"]:
            self._open_reader()
        for _ in range(self._kinds["bodies"]):
            self._open("bodies", _HEAD + b'Content-Length: 100000\r\n\r\n{"input": "')
        for _ in range(self._kinds["heads"]):
            self._open("heads", _HEAD + b"X-Slow: ")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        for sockets in self._sockets.values():
            for sock in sockets:
                sock.close()

    def _open(self, kind: str, data: bytes) -> None:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        sock.sendall(data)
        self._sockets[kind].append(sock)

    def _open_reader(self) -> None:
        """One that is being answered: a server that is busy may refuse it first."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _READER_BUFFER_BYTES)
        sock.settimeout(60)
        sock.connect(("127.0.0.1", self._port))
        sock.sendall(self._request)
        if b" 200 " in sock.recv(16):
            self._sockets["readers"].append(sock)
        else:
            sock.close()
            time.sleep(0.01)

    def ended(self, kind: str) -> int:
        """How many of them the server has put an end to."""
        count = 0
        for sock in self._sockets[kind]:
            poll = select.poll()
            poll.register(sock, select.POLLRDHUP)
            count += bool(poll.poll(0))
        return count

    def _trickle(self) -> None:
        while not self._over.wait(_BYTE_SECONDS):
            for kind in ("heads", "bodies"):
                for sock in self._sockets[kind]:
                    with contextlib.suppress(OSError):
                        sock.send(b"x")
            for sock in self._sockets["readers"]:
                with contextlib.suppress(OSError):
                    sock.recv(1)
