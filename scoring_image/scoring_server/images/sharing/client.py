"""A worker's side: pictures go into slots of shared memory, logits come back in them."""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring_server.batching import (
    Admission,
    BatcherClosed,
    DeadlineExceeded,
    DeviceLost,
    Future,
    Overloaded,
)
from scoring_server.images.decode import damaged
from scoring_server.images.sharing import wire
from scoring_server.images.sharing.errors import DEVICE_LOST, InferenceProcessLost, OwnerFailed
from scoring_server.images.sharing.facts import ModelFacts
from scoring_server.images.sharing.memory import SharedSlots

Logits = NDArray[np.float32]

_RECEIVE_BYTES: Final = 64 * 1024


class OwnerQueue:
    """Has pictures computed by the process that owns the model.

    Args:
        path: the Unix socket of that process.
        places: how many images may be in the house of this worker at once.
        on_lost: told, once, that nothing will be computed any more.

    Raises:
        OwnerFailed: it cannot compute, and said why.
        DeviceLost: its device is.
        InferenceProcessLost: it is gone itself.
    """

    def __init__(
        self, path: Path, *, places: int, on_lost: Callable[[DeviceLost], None] | None = None
    ) -> None:
        self.admission = Admission(places)
        self._path = path
        self._on_lost = on_lost
        # Waits while the model is loaded.
        self._connection, greeting, fd = _greet(path)
        self.facts = ModelFacts.from_json(greeting["model"])
        if fd is None:
            raise InferenceProcessLost("the process that owns the model shares no memory")
        self._memory = SharedSlots(fd, classes=len(self.facts.labels), **greeting["memory"])
        # Slots whose callers gave up are taken until the owner is done with them.
        self._free = deque(range(self._memory.slots))
        self._pending: dict[int, Future[Logits]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._receiver = threading.Thread(target=self._receive, name="logits", daemon=True)

    def start(self) -> None:
        """Start to receive; to be called in the process that serves."""
        self._receiver.start()

    def submit(self, item: NDArray[np.uint8], deadline: float) -> Future[Logits]:
        """Have one picture, or one JPEG file of shape (bytes,), computed; see Batcher.submit.

        What the owner cannot decode gets ImageRefused.

        Raises:
            Overloaded: no slot is free, as the owner is not done with what nobody waits for.
        """
        future: Future[Logits] = Future()
        with self._lock:
            if not self._closed and not self._free:
                raise Overloaded
            slot = -1 if self._closed else self._free.popleft()
        if slot < 0:
            future.refuse()
            return future
        self._memory.item(slot, item.size)[:] = item.reshape(-1)
        request = wire.pack_request(wire.Request(slot, item.size, item.ndim == 1, deadline))
        with self._lock:
            if self._closed:
                future.refuse()
                return future
            self._pending[slot] = future
            try:
                # A slot is asked for once at a time, so that its socket never fills.
                self._connection.sendall(request)
            except OSError:
                # The receiver finds the connection's end and refuses all that is pending.
                self._connection.shutdown(socket.SHUT_RDWR)
        return future

    def seconds_since_beat(self) -> float:
        """Seconds since the owner's slowest thread moved; infinite when it was left."""
        if self._closed:
            return float("inf")
        return time.monotonic() - self._memory.beat

    def close(self, timeout: float) -> None:
        """Leave the owner; what is pending gets BatcherClosed."""
        self._end()
        if self._receiver.is_alive():
            self._receiver.join(timeout)
        self._connection.close()
        self._memory.close()

    def _receive(self) -> None:
        records = wire.reply_records()
        while True:
            try:
                data = self._connection.recv(_RECEIVE_BYTES)
            except OSError:
                data = b""
            if not data:
                break
            for slot, outcome in records.feed(data):
                self._settle(slot, outcome)
        if self._end() and self._on_lost is not None:
            self._on_lost(_why(self._path))

    def _settle(self, slot: int, outcome: int) -> None:
        logits = self._memory.logits(slot).copy() if outcome == wire.DONE else None
        with self._lock:
            future = self._pending.pop(slot, None)
            self._free.append(slot)
        if future is None:
            return  # it was refused when this worker left, with the answer on its way
        if not future.begin():
            return  # nobody waits for it any more
        if logits is not None:
            future.set_result(logits)
        else:
            future.set_error(_FAILURES.get(outcome, _failed)())

    def _end(self) -> bool:
        """Refuse what is pending; whether that was still to be done."""
        with self._lock:
            first, self._closed = not self._closed, True
            pending = list(self._pending.values())
            self._pending.clear()
        if first:
            with contextlib.suppress(OSError):  # the owner was faster
                self._connection.shutdown(socket.SHUT_RDWR)
        for future in pending:
            future.refuse()
        return first


def _failed() -> Exception:
    return RuntimeError("the model failed on this picture; the log of its process says why")


_FAILURES: Final[dict[int, Callable[[], Exception]]] = {
    wire.EXPIRED: DeadlineExceeded,
    wire.CLOSED: BatcherClosed,
    wire.DAMAGED: damaged,
    wire.FAILED: _failed,
}


def _greet(path: Path) -> tuple[socket.socket, dict[str, Any], int | None]:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
        greeting, fd = wire.receive_greeting(connection)
    except OSError as error:
        connection.close()
        raise InferenceProcessLost("the process that owns the model ended") from error
    if failure := greeting.get("failure"):
        connection.close()
        if failure["reason"] == DEVICE_LOST:
            raise DeviceLost(failure["message"])
        raise OwnerFailed(failure["reason"], failure["message"])
    return connection, greeting, fd


def _why(path: Path) -> DeviceLost:
    """What the owner says about having closed a connection, if it still says something."""
    try:
        connection, _, _ = _greet(path)
    except DeviceLost as lost:
        return lost
    connection.close()
    return InferenceProcessLost("the process that owns the model closed the connection")
