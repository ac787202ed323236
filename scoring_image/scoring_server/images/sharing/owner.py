"""The owner's side: one process computes what all workers ask for."""

import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring_server.batching import (
    Batcher,
    BatcherClosed,
    BatchObserver,
    DeadlineExceeded,
    DeviceLost,
    Future,
)
from scoring_server.images.backends.base import Backend, DecodingBackend
from scoring_server.images.sharing import wire
from scoring_server.images.sharing.errors import DEVICE_LOST
from scoring_server.images.sharing.facts import ModelFacts
from scoring_server.images.sharing.memory import SharedSlots

_log = logging.getLogger(__name__)

_RECEIVE_BYTES: Final = 64 * 1024
# How often the workers are told that the threads move.
_BEAT_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 5.0
# A worker that does not read for so long is stuck, and must not hold up the others.
_SEND_SECONDS: Final = 5.0


class Client:
    """A worker, as the owner sees it: a connection, and the memory shared with that process alone.

    It goes when the connection ends, and with it all that it asked for.
    """

    def __init__(self, connection: socket.socket, memory: SharedSlots) -> None:
        self.connection = connection
        self.memory = memory
        self.records = wire.request_records()
        self.gone = False
        self._sending = threading.Lock()

    def reply(self, replies: list[wire.Reply]) -> None:
        """Say what became of slots."""
        try:
            # All replies that a worker can wait for fit into its socket: this neither blocks nor is
            # cut short, unless the client does not keep to the rules.
            self.connection.sendall(wire.pack_replies(replies))
        except OSError:
            self.gone = True


@dataclass(frozen=True)
class _Item:
    client: Client
    slot: int
    bytes: NDArray[np.uint8]
    is_jpeg: bool


class Owner:
    """Serves workers until nobody holds the other end of a pipe any more.

    Args:
        listener: the Unix socket that workers connect to.
        alive: the reading end of that pipe.
    """

    def __init__(self, listener: socket.socket, alive: int) -> None:
        self._listener = listener
        self._alive = alive
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(alive, selectors.EVENT_READ, self._end)
        self._lost_event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector.register(self._lost_event, selectors.EVENT_READ, self._drop_all)
        self._clients: dict[int, Client] = {}
        self._failure: Mapping[str, str] | None = None
        self._batcher: Batcher[_Item, None] | None = None
        self._ended = False

    def fail(self, reason: str, message: str) -> None:
        """Tell every worker, from now on, why nothing is computed."""
        self._failure = {"reason": reason, "message": message}

    def own(
        self,
        backend: Backend,
        facts: ModelFacts,
        *,
        slots: int,
        max_delay: float = 0.0,
        observer: BatchObserver | None = None,
    ) -> None:
        """Compute with this model.

        Args:
            backend: a warm one.
            facts: what workers must know of the model.
            slots: how many images of one worker may be here at once.
            max_delay: how long an image may wait for others to fill its batch, seconds.
            observer: told about every batch.
        """
        self._backend = backend
        self._facts = facts
        self._slots = slots
        self._batcher = Batcher(
            self._compute,
            max_batch=facts.calibration.max_batch,
            places=1,  # each worker has its own
            max_delay=max_delay,
            lanes=backend.lanes,
            observer=observer,
            on_lost=self._lose,
            name="image-inference",
        )
        self._batcher.start()

    def run(self) -> None:
        """Serve until the end."""
        while not self._ended:
            for key, _ in self._selector.select(_BEAT_SECONDS):
                key.data()
            self._beat()
        if self._batcher is not None:
            # A native library must not compute while the process ends.
            self._batcher.close(_CLOSE_SECONDS)

    def _beat(self) -> None:
        if self._batcher is None:
            return
        beat = time.monotonic() - self._batcher.seconds_since_beat()
        for client in self._clients.values():
            client.memory.beat = beat

    def _end(self) -> None:
        self._ended = True

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_SEND_SECONDS)
        if self._failure is not None or self._batcher is None:
            with connection:
                _greet(connection, {"failure": self._failure}, None)
            return
        side = self._facts.preprocessing.size
        memory = SharedSlots.create(
            slots=self._slots,
            slot_bytes=max(side * side * 3, self._facts.jpeg_bytes),
            classes=len(self._facts.labels),
        )
        memory.beat = time.monotonic()
        client = Client(connection, memory)
        shape = {"slots": memory.slots, "slot_bytes": memory.slot_bytes}
        if not _greet(connection, {"model": self._facts.to_json(), "memory": shape}, memory.fd):
            connection.close()
            memory.close()
            return
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, partial(self._receive, client))

    def _receive(self, client: Client) -> None:
        try:
            data = client.connection.recv(_RECEIVE_BYTES)
            if data and not client.gone:
                for fields in client.records.feed(data):
                    self._submit(client, wire.Request(*fields))
                return
        except (OSError, IndexError) as error:
            _log.warning("a worker is dropped: %s", error)
        self._drop(client)

    def _submit(self, client: Client, request: wire.Request) -> None:
        assert self._batcher is not None  # noqa: S101 - there are no workers without it
        item = _Item(
            client,
            request.slot,
            client.memory.item(request.slot, request.size),
            bool(request.is_jpeg),
        )
        future = self._batcher.submit(item, request.deadline)
        future.when_done(partial(_reply_failure, client, request.slot, future))

    def _compute(self, items: Sequence[_Item]) -> Sequence[None]:
        """Logits into the slots, and a word about it to each worker."""
        wanted = [item for item in items if not item.client.gone]
        replies: dict[Client, list[wire.Reply]] = {}
        for item, row in zip(wanted, self._infer(wanted) if wanted else (), strict=True):
            if row is not None:
                item.client.memory.logits(item.slot)[:] = row
            outcome = wire.DAMAGED if row is None else wire.DONE
            replies.setdefault(item.client, []).append(wire.Reply(item.slot, outcome))
        for client, done in replies.items():
            client.reply(done)
        return [None] * len(items)

    def _infer(self, items: Sequence[_Item]) -> Sequence[NDArray[np.float32] | None]:
        side = self._facts.preprocessing.size
        backend = self._backend
        if self._facts.jpeg_bytes and isinstance(backend, DecodingBackend):
            shape = (side, side, 3)
            return backend.infer_mixed(
                [item.bytes if item.is_jpeg else item.bytes.reshape(shape) for item in items]
            )
        pictures = np.stack([item.bytes for item in items])
        return list(backend.infer(pictures.reshape(-1, side, side, 3)))

    def _lose(self, lost: DeviceLost) -> None:
        self.fail(DEVICE_LOST, str(lost))
        os.eventfd_write(self._lost_event, 1)

    def _drop_all(self) -> None:
        os.eventfd_read(self._lost_event)
        for client in list(self._clients.values()):
            self._drop(client)

    def _drop(self, client: Client) -> None:
        client.gone = True
        self._selector.unregister(client.connection)
        del self._clients[client.connection.fileno()]
        client.connection.close()
        client.memory.close()


def _greet(connection: socket.socket, greeting: Mapping[str, Any], fd: int | None) -> bool:
    try:
        wire.send_greeting(connection, greeting, fd)
    except OSError:  # it went before it was heard
        return False
    return True


def _reply_failure(client: Client, slot: int, future: Future[None]) -> None:
    error = future.error
    if error is None:
        return
    if isinstance(error, DeadlineExceeded):
        outcome = wire.EXPIRED
    elif isinstance(error, BatcherClosed):
        outcome = wire.CLOSED
    else:
        _log.error("the model failed on a picture", exc_info=error)
        outcome = wire.FAILED
    client.reply([wire.Reply(slot, outcome)])
