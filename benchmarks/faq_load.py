"""A load generator that costs little beside what it measures: one thread, many connections.

Run as `python -m benchmarks.faq_load PORT CONNECTIONS SECONDS BODIES.json`; prints JSON.
"""

import json
import selectors
import socket
import statistics
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

_END = b"\r\n\r\n"


@dataclass
class _Connection:
    """One client that asks again as soon as it has its answer."""

    port: int
    stream: socket.socket | None = None
    started: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        if self.stream is None:
            self.stream = socket.create_connection(("127.0.0.1", self.port))
            self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received.clear()
        self.started = time.perf_counter()
        self.stream.sendall(request)

    def answered(self) -> bool:
        """Read what is there; whether the answer is complete.

        Raises:
            RuntimeError: the answer is no 200, or ends early.
        """
        assert self.stream is not None
        data = self.stream.recv(1 << 20)
        self.received += data
        end = self.received.find(_END)
        if end < 0 and data:
            return False
        head = bytes(self.received[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"not answered: {bytes(self.received[:200])!r}")
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(self.received) < end + len(_END) + length:
            if not data:
                raise RuntimeError("the answer ended early")
            return False
        return True

    def closes(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return b"connection: close" in bytes(self.received[: self.received.find(_END)]).lower()

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()
            self.stream = None


def run(port: int, connections: int, seconds: float, bodies: list[str]) -> dict[str, float]:
    """Ask for some seconds; requests per second, and the latencies in milliseconds."""
    requests = cycle([_request(body) for body in bodies])
    clients = [_Connection(port) for _ in range(connections)]
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:

        def ask(client: _Connection) -> None:
            fresh = client.stream is None
            client.send(next(requests))
            if fresh and client.stream is not None:
                selector.register(client.stream, selectors.EVENT_READ, client)

        for client in clients:
            ask(client)
        start = time.perf_counter()
        while (now := time.perf_counter()) < start + seconds:
            for key, _ in selector.select(timeout=1):
                client = key.data
                if not client.answered():
                    continue
                latencies.append(time.perf_counter() - client.started)
                if client.closes():
                    selector.unregister(client.stream)
                    client.close()
                ask(client)
    for client in clients:
        client.close()
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return {
        "requestsPerSecond": len(latencies) / (now - start),
        "p50Milliseconds": cuts[49] * 1e3,
        "p99Milliseconds": cuts[98] * 1e3,
    }


def _request(body: str) -> bytes:
    data = body.encode()
    head = (
        "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


if __name__ == "__main__":
    print(
        json.dumps(
            run(
                int(sys.argv[1]),
                int(sys.argv[2]),
                float(sys.argv[3]),
                json.loads(Path(sys.argv[4]).read_text(encoding="utf-8")),
            )
        )
    )
