"""Clients that ask again as soon as they are answered, over connections that stay open.

One thread serves all clients: what it computes is taken from the cores of the server.
Run as `python -m benchmarks.images_load PORT PATH CLIENTS SECONDS REQUESTS.json`; prints JSON. The
file holds a list of {"type": content type, "body": base64, "good": whether 200 is wanted}.
"""

import base64
import json
import re
import selectors
import socket
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_PATIENCE_SECONDS: Final = 120.0
# Before the next try where there was no way to the server.
_PAUSE_SECONDS: Final = 0.01
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What is sent, and whether it is to succeed."""

    content_type: str
    body: bytes
    good: bool

    def on_the_wire(self, path: str) -> bytes:
        """Head and body."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass
class Tally:
    """What all clients saw."""

    latencies: list[float] = field(default_factory=list)
    good_failed: int = 0
    bad_accepted: int = 0

    def count(self, *, good: bool, succeeded: bool, seconds: float) -> None:
        """One request has ended."""
        if succeeded and good:
            self.latencies.append(seconds)
        self.good_failed += good and not succeeded
        self.bad_accepted += succeeded and not good


class _Client:
    """Waits for its answer before it asks again."""

    def __init__(
        self,
        port: int,
        requests: list[tuple[bytes, bool]],
        number: int,
        selector: selectors.BaseSelector,
        tally: Tally,
    ) -> None:
        self._port = port
        self._requests = requests
        self._number = number
        self._selector = selector
        self._tally = tally
        self._sock: socket.socket | None = None
        self._received = b""
        self._asked = 0.0

    @property
    def waits(self) -> bool:
        """Whether its answer is still to come."""
        return self._asked > 0

    def ask(self, end: float) -> None:
        """Send the next request, unless the end has come."""
        while (now := time.perf_counter()) < end:
            self._number += 1
            self._asked, self._received = now, b""
            try:
                if self._sock is None:
                    self._sock = socket.create_connection(
                        ("127.0.0.1", self._port), _PATIENCE_SECONDS
                    )
                    self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._selector.register(self._sock, selectors.EVENT_READ, self)
                self._sock.sendall(self._requests[self._number % len(self._requests)][0])
            except OSError:
                self.give_up()
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def receive(self) -> None:
        """Take what has come."""
        assert self._sock is not None
        try:
            data = self._sock.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.give_up()
            return
        self._received += data
        end = self._received.find(_END)
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end + 2)
        if length is None:
            raise RuntimeError(f"an answer of unknown length: {self._received[:200]!r}")
        if len(self._received) >= end + len(_END) + int(length[1]):
            self._count(succeeded=self._received.startswith(b"HTTP/1.1 200"))
            if _CLOSE.search(self._received, 0, end + 2):
                self.close()

    def give_up(self) -> None:
        """There will be no answer."""
        self._count(succeeded=False)
        self.close()

    def close(self) -> None:
        """End its connection, if it has one."""
        if self._sock is not None:
            self._selector.unregister(self._sock)
            self._sock.close()
            self._sock = None

    def _count(self, *, succeeded: bool) -> None:
        good = self._requests[self._number % len(self._requests)][1]
        seconds = time.perf_counter() - self._asked
        self._tally.count(good=good, succeeded=succeeded, seconds=seconds)
        self._asked = 0.0


def run(port: int, path: str, clients: int, seconds: float, requests: list[Request]) -> Any:
    """Ask for some seconds, and wait for what was asked.

    Returns:
        Requests a second, latencies in milliseconds, how many good requests failed.
    """
    tally = Tally()
    wire = [(request.on_the_wire(path), request.good) for request in requests]
    with selectors.DefaultSelector() as selector:
        everybody = [_Client(port, wire, number, selector, tally) for number in range(clients)]
        started = time.perf_counter()
        end = started + seconds
        for client in everybody:
            client.ask(end)
        while any(client.waits for client in everybody):
            ready = selector.select(_PATIENCE_SECONDS)
            for key, _ in ready:
                key.data.receive()
                if not key.data.waits:
                    key.data.ask(end)
            if not ready:
                for client in everybody:
                    if client.waits:
                        client.give_up()
        elapsed = time.perf_counter() - started
        for client in everybody:
            client.close()
    return _summary(tally, elapsed)


def _summary(tally: Tally, elapsed: float) -> dict[str, float]:
    latencies = tally.latencies
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return {
        "imagesPerSecond": len(latencies) / elapsed,
        "p50Milliseconds": cuts[49] * 1e3,
        "p99Milliseconds": cuts[98] * 1e3,
        "answered": len(latencies),
        "goodFailed": tally.good_failed,
        "badAccepted": tally.bad_accepted,
    }


def _read(path: Path) -> list[Request]:
    return [
        Request(r["type"], base64.b64decode(r["body"]), r["good"])
        for r in json.loads(path.read_text())
    ]


if __name__ == "__main__":
    print(
        json.dumps(
            run(
                int(sys.argv[1]),
                sys.argv[2],
                int(sys.argv[3]),
                float(sys.argv[4]),
                _read(Path(sys.argv[5])),
            )
        )
    )
