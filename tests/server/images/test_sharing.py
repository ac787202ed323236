"""One process owns the model and others share memory with it; here all are in one process."""

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring_server.batching import BatcherClosed, DeadlineExceeded, DeviceLost, Overloaded
from scoring_server.images.backends import device_of
from scoring_server.images.calibration import Calibration
from scoring_server.images.sharing import wire
from scoring_server.images.sharing.client import OwnerQueue
from scoring_server.images.sharing.errors import InferenceProcessLost, OwnerFailed
from scoring_server.images.sharing.facts import ModelFacts
from scoring_server.images.sharing.owner import Owner
from tests.server.awaiting import result
from tests.server.colour_model import LABELS, SIZE, SPEC
from tests.server.images.fakes import ColourBackend

SOON = 60.0
SLOTS = 8

Pictures = NDArray[np.uint8]


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


def pictures(count: int, seed: int = 0) -> Pictures:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = later()
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Observed:
    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.expired = 0

    def items_wait(self, count: int) -> None:
        """Not of interest here."""

    def batch_computed(self, size: int, seconds: float) -> None:
        self.sizes.append(size)

    def item_expired(self) -> None:
        self.expired += 1


class Running:
    """An owner that runs in a thread, and the clients that were made of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "owner.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        reading, self._alive = os.pipe()
        self.owner = Owner(self._listener, reading)
        self.thread = threading.Thread(target=self.owner.run)
        self.observed = Observed()
        self.clients: list[OwnerQueue] = []
        self.lost: list[DeviceLost] = []

    def own(self, backend: ColourBackend) -> None:
        facts = ModelFacts(
            LABELS, SPEC.preprocessing, device_of(backend), Calibration(4, True, {1: 2.5}), {}
        )
        self.owner.own(backend, facts, slots=SLOTS, observer=self.observed)

    def connect(self) -> OwnerQueue:
        client = OwnerQueue(self.path, places=SLOTS, on_lost=self.lost.append)
        client.start()
        self.clients.append(client)
        return client

    def end(self) -> None:
        for client in self.clients:
            client.close(SOON)
        os.close(self._alive)
        self.thread.join(SOON)
        self._listener.close()
        assert not self.thread.is_alive()


@pytest.fixture
def backend() -> ColourBackend:
    return ColourBackend()


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    running.thread.start()
    yield running
    running.end()


@pytest.fixture
def running(tmp_path: Path, backend: ColourBackend) -> Iterator[Running]:
    running = Running(tmp_path)
    running.own(backend)
    running.thread.start()
    yield running
    backend.go_on.set()
    running.end()


def ask(client: OwnerQueue, batch: Pictures, seconds: float = SOON) -> list[NDArray[np.float32]]:
    deadline = later(seconds)
    futures = [client.submit(picture, deadline) for picture in batch]
    return [result(future, deadline) for future in futures]


def test_many_threads_of_two_workers_get_the_answers_of_one_process(
    running: Running, backend: ColourBackend
) -> None:
    clients = [running.connect(), running.connect()]
    assert clients[0].facts.labels == LABELS
    assert clients[0].facts.calibration == Calibration(4, True, {1: 2.5})
    wrong: list[int] = []

    def work(number: int) -> None:
        for turn in range(20):
            batch = pictures(2, seed=100 * number + turn)
            if not np.array_equal(ask(clients[number % 2], batch), ColourBackend().infer(batch)):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert not wrong
    # It is told after the answers are on their way.
    wait_until(lambda: sum(running.observed.sizes) == 8 * 20 * 2)
    assert max(backend.batches) <= 4


def test_what_waits_of_all_workers_is_computed_together(
    running: Running, backend: ColourBackend
) -> None:
    first, second = running.connect(), running.connect()
    backend.go_on.clear()
    futures = [first.submit(pictures(1)[0], later())]
    assert backend.computing.wait(SOON)
    futures += [c.submit(pictures(1)[0], later()) for c in (first, second, first)]
    batcher = running.owner._batcher
    assert batcher is not None
    wait_until(lambda: batcher.depth == 3)
    backend.go_on.set()
    for future in futures:
        result(future, later())
    assert backend.batches == [1, 3]


def test_a_worker_that_goes_takes_its_pictures_with_it_and_harms_no_other(
    running: Running, backend: ColourBackend
) -> None:
    leaving, staying = running.connect(), running.connect()
    backend.go_on.clear()
    leaving.submit(pictures(1)[0], later())
    assert backend.computing.wait(SOON)
    pending = leaving.submit(pictures(1)[0], later())
    kept = staying.submit(pictures(1, seed=5)[0], later())
    running.clients.remove(leaving)
    leaving.close(SOON)
    with pytest.raises(BatcherClosed):
        result(pending, later())
    wait_until(lambda: len(running.owner._clients) == 1)
    backend.go_on.set()
    logits = result(kept, later())
    assert np.array_equal(logits, ColourBackend().infer(pictures(1, seed=5))[0])
    assert backend.batches == [1, 1], "nothing is computed for a worker that is gone"


def shared_memories() -> int:
    gc.collect()
    return Path("/proc/self/maps").read_text().count("memfd:scoring-pictures")


def test_the_memory_of_workers_that_are_gone_is_given_back(running: Running) -> None:
    before = shared_memories()
    for _ in range(10):
        client = running.connect()
        ask(client, pictures(2))
        running.clients.remove(client)
        client.close(SOON)
    del client
    # What came last is held until the next comes.
    wait_until(lambda: shared_memories() <= before + 2)


def test_a_picture_past_its_deadline_is_never_computed(
    running: Running, backend: ColourBackend
) -> None:
    client = running.connect()
    with pytest.raises(DeadlineExceeded):
        ask(client, pictures(1), seconds=-1)
    wait_until(lambda: running.observed.expired == 1)
    assert backend.batches == []


def test_slots_of_those_who_gave_up_are_free_once_the_owner_is_done_with_them(
    running: Running, backend: ColourBackend
) -> None:
    client = running.connect()
    backend.go_on.clear()
    computed = client.submit(pictures(1)[0], later())
    assert backend.computing.wait(SOON)  # so that those behind it are not looked at
    for _ in range(SLOTS - 1):
        with pytest.raises(DeadlineExceeded):
            ask(client, pictures(1), seconds=0.05)
    with pytest.raises(Overloaded):
        client.submit(pictures(1)[0], later())
    backend.go_on.set()
    result(computed, later())
    wait_until(lambda: len(client._free) == SLOTS)
    assert len(ask(client, pictures(SLOTS))) == SLOTS


def test_an_answer_that_comes_while_a_worker_leaves_is_nobodys(
    running: Running, backend: ColourBackend
) -> None:
    client = running.connect()
    backend.go_on.clear()
    future = client.submit(pictures(1)[0], later())
    client._end()
    client._settle(0, wire.DONE)
    with pytest.raises(BatcherClosed):
        result(future, later())


def test_a_picture_that_the_model_fails_on_fails_alone(
    running: Running, backend: ColourBackend
) -> None:
    client = running.connect()
    usual = backend.infer

    def infer(batch: Pictures) -> NDArray[np.float32]:
        if (batch == 13).all(axis=(1, 2, 3)).any():
            raise ValueError("thirteen")
        return usual(batch)

    backend.infer = infer  # type: ignore[method-assign]  # the test's own model
    bad = np.full((SIZE, SIZE, 3), 13, np.uint8)
    backend.go_on.clear()
    futures = [client.submit(picture, later()) for picture in (*pictures(1), bad, *pictures(2))]
    backend.go_on.set()
    wait_until(lambda: all(future.done for future in futures))
    found = [future.error for future in futures]
    assert [type(error) for error in found] == [type(None), RuntimeError, type(None), type(None)]
    assert "thirteen" not in str(found[1])


def test_a_lost_device_is_told_to_every_worker_with_the_reason(
    running: Running, backend: ColourBackend
) -> None:
    clients = [running.connect(), running.connect()]
    backend.error = DeviceLost("the GPU fell off the bus")
    future = clients[0].submit(pictures(1)[0], later())
    with pytest.raises(BatcherClosed):
        result(future, later())
    wait_until(lambda: len(running.lost) == 2)
    assert {str(lost) for lost in running.lost} == {"the GPU fell off the bus"}
    assert not any(isinstance(lost, InferenceProcessLost) for lost in running.lost)
    with pytest.raises(BatcherClosed):
        result(clients[1].submit(pictures(1)[0], later()), later())
    assert clients[1].seconds_since_beat() == float("inf")
    with pytest.raises(DeviceLost, match="the GPU fell off the bus"):
        running.connect()


def test_a_model_that_could_not_be_loaded_is_told_to_whoever_comes(idle: Running) -> None:
    idle.owner.fail("ModelLoadFailed", "damaged")
    for _ in range(2):
        with pytest.raises(OwnerFailed, match="damaged") as caught:
            idle.connect()
        assert caught.value.reason == "ModelLoadFailed"


def test_an_owner_that_is_not_there_is_lost(tmp_path: Path) -> None:
    with pytest.raises(InferenceProcessLost):
        OwnerQueue(tmp_path / "none", places=1)


@pytest.mark.parametrize("request_", [(SLOTS, 10, 0), (0, SIZE * SIZE * 3 + 64, 0), (0, 0, 0)])
def test_a_worker_that_does_not_keep_to_the_rules_is_dropped(
    running: Running, request_: tuple[int, int, int]
) -> None:
    client, rogue = running.connect(), running.connect()
    rogue._connection.sendall(wire.pack_request(wire.Request(*request_, later())))
    wait_until(lambda: len(running.lost) == 1)
    assert isinstance(running.lost[0], InferenceProcessLost)
    assert len(ask(client, pictures(3))) == 3


def test_the_beat_of_the_owners_threads_reaches_the_workers(
    running: Running, backend: ColourBackend
) -> None:
    client = running.connect()
    wait_until(lambda: client.seconds_since_beat() < 2)
    backend.go_on.clear()
    client.submit(pictures(1)[0], later())
    wait_until(lambda: client.seconds_since_beat() > 2)
    backend.go_on.set()
    wait_until(lambda: client.seconds_since_beat() < 2)


def test_records_may_come_in_any_pieces() -> None:
    data = wire.pack_replies([wire.Reply(i, wire.DONE) for i in range(5)])
    records = wire.reply_records()
    found = [fields for byte in data for fields in records.feed(bytes([byte]))]
    assert found == [(i, wire.DONE) for i in range(5)]
