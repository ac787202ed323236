"""A real scoring-server process on loopback."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.ports import reserved_port

_SCORING_SERVER = Path(sys.executable).with_name("scoring-server")
# Starting takes 1 to 2 s alone; the machine may be busy with other tests.
_PATIENCE_SECONDS = 120.0
_INFERENCE = "inference"
_GONE = ""
_ENDED = ("Z", "X")


def open_sockets(pid: int) -> int:
    """How many sockets a process holds. Those of probes come and go while they are counted."""
    count = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += path.readlink().name.startswith("socket:")
    return count


def send_bytes(port: int, data: bytes) -> tuple[bytes, bool]:
    """Send bytes as they are and half-close; all that comes back, and whether it ended in order."""
    received = bytearray()
    closed = False
    with socket.create_connection(("127.0.0.1", port), _PATIENCE_SECONDS) as connection:
        # Who refuses may close first: sending then fails, or nothing is there to half-close.
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                received += piece
            closed = True
    return bytes(received), closed


class ServerProcess:
    """Starts scoring-server with the given variables; ends it at the end of a with-block.

    Attributes:
        port: where it listens.
        log: its stdout and stderr.
        termination_log: where it leaves its last words.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self._until_it_ends = contextlib.ExitStack()
        self.port = self._until_it_ends.enter_context(reserved_port())
        self.log = folder / "server.log"
        self.termination_log = folder / "termination-log"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SCORING_")
        }
        environment |= {
            "SCORING_PORT": str(self.port),
            "SCORING_TERMINATION_LOG": str(self.termination_log),
            "SCORING_CPUS": "2",
            **variables,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(_SCORING_SERVER)], env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._until_it_ends:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(_PATIENCE_SECONDS)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        return self._ask("GET", path, None, {})

    def post(
        self, body: bytes, content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """Status and parsed body of POST /score."""
        status, answer = self._ask("POST", "/score", body, {"Content-Type": content_type})
        return status, json.loads(answer)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        """Wait for /healthz/ready to say so."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.get("/healthz/ready")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready in {_PATIENCE_SECONDS:.0f} s:\n{self.log.read_text()}")

    def wait_for_workers(self, count: int, without: int = 0) -> float:
        """Wait until so many run, one of them not counted; in seconds.

        The server is ready as soon as its first worker is.
        """
        begin = time.monotonic()
        while len(set(self.workers()) - {without}) < count:
            assert time.monotonic() - begin < _PATIENCE_SECONDS, self.log.read_text()
            time.sleep(0.01)
        return time.monotonic() - begin

    def wait_for_end(self) -> int:
        """Its exit status."""
        return self.process.wait(_PATIENCE_SECONDS)

    def terminate(self) -> None:
        """What Kubernetes sends first."""
        self.process.send_signal(signal.SIGTERM)

    def log_lines(self) -> list[dict[str, Any]]:
        """Its log, which is JSON throughout; while it runs, without a line that is half there."""
        runs = self.process.poll() is None
        lines = self.log.read_text().splitlines(keepends=True)
        if runs and lines and not lines[-1].endswith("\n"):
            lines.pop()
        return [json.loads(line) for line in lines]

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return [pid for pid in self._children() if _name(pid) not in (_INFERENCE, _GONE)]

    def cpu_seconds(self) -> float:
        """CPU time of all workers so far: what others do on the machine does not change it."""
        ticks = 0
        for worker in self.workers():
            fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def inference_process(self) -> int:
        """The process id of the one that has the model for all workers."""
        (found,) = (pid for pid in self._children() if _name(pid) == _INFERENCE)
        return found

    def _children(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


def _name(pid: int) -> str:
    """What a process is called; one that has ended is gone, although its parent was not told."""
    try:
        before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return _GONE
    return _GONE if after.split()[0] in _ENDED else before.partition("(")[2]
