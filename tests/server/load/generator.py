"""A load generator for one core: `python -m tests.server.load.generator`, plan in, ledger out.

Open loop: requests are sent when they are due, whatever became of the others. Without a rate it is
a closed loop: each connection sends its next request as soon as its last one is answered, which
measures what a server can do at most. One thread, an epoll loop and as little as possible for each
request, so that the generator is not what is measured.
"""

import contextlib
import json
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.server.load.ledger import LOST, UNREACHED, UNSENT, Entry, Ledger

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_GRACE_SECONDS = 40.0
_BEGUN = "begun\n"


@dataclass(frozen=True)
class Plan:
    """A load.

    Attributes:
        rate: requests a second; None: as many as `connections` get answered.
        seconds: how long to send, at most.
        bodies: in turns.
        connections: at most.
        fresh: a new connection for each request, as kept ones would stay with one pod.
        core: the only CPU to run on.
    """

    port: int
    rate: float | None
    seconds: float
    bodies: tuple[str, ...]  # latin-1
    host: str = "127.0.0.1"
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    connections: int = 500
    fresh: bool = False
    core: int | None = None


class _Wire:
    """A connection and its request."""

    __slots__ = ("entry", "fd", "out", "port", "received", "sock")

    def __init__(self, host: str, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):
            self.sock.connect((host, port))
        self.fd = self.sock.fileno()
        self.port = self.sock.getsockname()[1]
        self.entry: Entry | None = None
        self.received = b""
        self.out = b""


class _Generator:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._poller = select.epoll()
        self._wires: dict[int, _Wire] = {}
        self._idle: list[_Wire] = []
        self._ledger = Ledger()
        self._started = self._end = 0.0
        names = {"Host": plan.host, "Content-Type": plan.content_type, **plan.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
        head += "Connection: close\r\n" if plan.fresh else ""
        self._requests = [
            (f"POST /score HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\nX-Request-Id: ", body)
            for body in plan.bodies
        ]

    def run(self) -> Ledger:
        plan, self._started = self._plan, time.monotonic()
        self._end = self._started + plan.seconds
        sys.stdout.write(_BEGUN)
        sys.stdout.flush()
        if plan.rate is None:
            for _ in range(plan.connections):
                self._send()
        due = self._started
        while (now := time.monotonic()) < self._end:
            if plan.rate is not None:
                while due <= now:
                    self._ledger.lag_seconds = max(self._ledger.lag_seconds, now - due)
                    self._send()
                    due += 1 / plan.rate
                self._turn(max(0.0, min(due, self._end) - time.monotonic()))
            else:
                self._turn(0.1)
                while self._idle:
                    self._send()
        grace = time.monotonic() + _GRACE_SECONDS
        while len(self._wires) > len(self._idle) and time.monotonic() < grace:
            self._turn(0.5)
        for wire in list(self._wires.values()):
            self._lose(wire)
        return self._ledger

    def stop(self, *_: object) -> None:
        """Send no more."""
        self._end = time.monotonic()

    def _send(self) -> None:
        entries = self._ledger.entries
        entry = Entry(time.monotonic() - self._started, 0.0, UNSENT)
        entries.append(entry)
        head, body = self._requests[len(entries) % len(self._requests)]
        data = f"{head}load-{len(entries)}\r\n\r\n{body}".encode("latin-1")
        if self._idle:
            wire = self._idle.pop()
        elif len(self._wires) < self._plan.connections:
            try:
                wire = _Wire(self._plan.host, self._plan.port)
            except OSError:
                entry.status = UNREACHED
                return
            self._wires[wire.fd] = wire
            self._poller.register(wire.fd, select.EPOLLIN | select.EPOLLOUT)
            wire.out = data
            wire.entry = entry
            entry.port = wire.port
            entry.status = UNREACHED  # until it is sent
            return
        else:
            return
        wire.entry = entry
        entry.port = wire.port
        entry.status = LOST  # until there is an answer
        self._push(wire, data)

    def _push(self, wire: _Wire, data: bytes) -> None:
        try:
            sent = wire.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose(wire)
            return
        if sent and wire.entry is not None and wire.entry.status == UNREACHED:
            wire.entry.status = LOST
            wire.entry.sent = time.monotonic() - self._started
        had, wire.out = bool(wire.out), data[sent:]
        if wire.out and not had:
            self._poller.modify(wire.fd, select.EPOLLIN | select.EPOLLOUT)
        elif had and not wire.out:
            self._poller.modify(wire.fd, select.EPOLLIN)

    def _turn(self, seconds: float) -> None:
        for fd, events in self._poller.poll(seconds):
            wire = self._wires.get(fd)
            if wire is None:
                continue
            if events & select.EPOLLOUT and wire.out and not events & select.EPOLLERR:
                self._push(wire, wire.out)
            if events & ~select.EPOLLOUT and fd in self._wires:
                self._receive(wire)

    def _receive(self, wire: _Wire) -> None:
        try:
            data = wire.sock.recv(262_144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(wire)
            return
        wire.received += data
        while (end := wire.received.find(b"\r\n\r\n")) >= 0:
            head = wire.received[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(wire.received) < whole:
                return
            wire.received = wire.received[whole:]
            self._answered(wire, head)

    def _answered(self, wire: _Wire, head: bytes) -> None:
        entry, wire.entry = wire.entry, None
        if entry is not None:
            entry.seconds = time.monotonic() - self._started - entry.sent
            entry.status = int(head[9:12])
            entry.retry_after = b"\r\nretry-after:" in head.lower()
        if wire.out or b"connection: close" in head.lower():
            self._drop(wire)
        else:
            self._idle.append(wire)

    def _lose(self, wire: _Wire) -> None:
        """The connection has ended; its request keeps the status it has, LOST or UNREACHED."""
        if wire in self._idle:
            self._idle.remove(wire)
        self._drop(wire)

    def _drop(self, wire: _Wire) -> None:
        if self._wires.pop(wire.fd, None) is not None:
            wire.sock.close()


@contextmanager
def running(plan: Plan) -> Iterator["Running"]:
    """Generate a load in a process of its own; the block may ask for the ledger at its end.

    The block begins when the load does: starting a process takes a while on a busy machine.
    """
    command = [sys.executable, "-m", "tests.server.load.generator"]
    if plan.core is not None:
        command = ["taskset", "-c", str(plan.core), *command]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        process.stdin = None
        assert process.stdout is not None
        try:
            begun = process.stdout.readline()
            assert begun == _BEGUN, "the generator has failed"
            yield Running(process)
        finally:
            process.kill()


class Running:
    """A load that is being generated."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def stop(self) -> Ledger:
        """Send no more, and wait for the answers."""
        self._process.terminate()
        return self.ledger()

    def ledger(self) -> Ledger:
        """Wait for its end; what became of all requests."""
        assert self._process.stdout is not None
        output = self._process.stdout.read()
        assert self._process.wait() == 0
        found: dict[str, Any] = json.loads(output)
        entries = [Entry(*entry) for entry in found["entries"]]
        return Ledger(entries, found["lag_seconds"])


def generate(plan: Plan) -> Ledger:
    """Generate a load to its end."""
    with running(plan) as load:
        return load.ledger()


def main() -> None:
    """A plan from stdin; to stdout a line when it begins, and in the end the ledger."""
    generator = _Generator(Plan(**json.load(sys.stdin)))
    signal.signal(signal.SIGTERM, generator.stop)
    ledger = generator.run()
    entries = [list(vars(entry).values()) for entry in ledger.entries]
    json.dump({"entries": entries, "lag_seconds": ledger.lag_seconds}, sys.stdout)


if __name__ == "__main__":
    main()
