"""The server under attack: what it answers, whether it is the same process, its memory."""

import contextlib
import json
import time
from dataclasses import dataclass
from typing import Any, Final

from tests.server import memory
from tests.server.server_process import ServerProcess, send_bytes

PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Reply:
    """What came back over a connection.

    Attributes:
        statuses: of the answers, in order.
        closed: whether the server closed the connection.
        data: all bytes.
    """

    statuses: list[int]
    closed: bool
    data: bytes


class Target(ServerProcess):
    """A server with one worker."""

    def __enter__(self) -> "Target":
        self.wait_until_ready()
        (self._worker,) = self.workers()
        return self

    def check_unharmed(self) -> None:
        """It is the same process, is ready, and has logged no failure."""
        assert self.process.poll() is None, self.log.read_text()
        assert self.workers() == [self._worker], self.log.read_text()
        assert self.get("/healthz/ready")[0] == 200
        assert self.get("/healthz/live")[0] == 200
        failures = [line for line in self.log_lines() if line["level"] in {"error", "critical"}]
        assert failures == []

    def ask(
        self, path: str, body: bytes, headers: dict[str, str], method: str = "POST"
    ) -> tuple[int, Any]:
        """Status and JSON of a request."""
        with contextlib.closing(self.connect()) as connection:
            # A refusal may come before the whole body is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def exchange(self, data: bytes) -> Reply:
        """See the function of this name."""
        return exchange(self.port, data)

    def resident(self) -> float:
        """Memory of the worker, MB."""
        return memory.resident(self._worker)

    def peak(self) -> float:
        """The most memory that the worker has had since `forget_peak`, MB."""
        return memory.peak(self._worker)

    def forget_peak(self) -> None:
        """From now on `peak` counts anew."""
        memory.forget_peak(self._worker)

    def wait_for_log(self, text: str) -> None:
        """Wait until a line holds the text; lines are kept for a fraction of a second."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)


def exchange(port: int, data: bytes) -> Reply:
    """Send bytes as they are and half-close; the answers that come back."""
    received, closed = send_bytes(port, data)
    return Reply(_statuses(received), closed, received)


def _statuses(data: bytes) -> list[int]:
    """Statuses of a sequence of answers; one without a Content-Length ends with the connection."""
    found: list[int] = []
    while data.startswith(b"HTTP/1."):
        head, _, rest = data.partition(b"\r\n\r\n")
        found.append(int(head.split(b" ", 2)[1]))
        length = len(rest)
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        data = rest[length:]
    assert not data, f"not HTTP: {data[:200]!r}"
    return found
