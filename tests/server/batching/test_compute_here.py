"""Cheap items are computed by the thread that asks, one at a time all the same."""

import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from scoring_server.batching import Batcher, BatcherClosed, DeadlineExceeded, DeviceLost
from tests.server.batching.test_batcher import SOON, Doubler, later, occupy


class Where(Doubler):
    """Also remembers which threads computed, and that no two did at once."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self._alone = threading.Lock()

    def __call__(self, items: Sequence[int]) -> list[int]:
        assert self._alone.acquire(blocking=False), "two batches at once"
        try:
            self.threads.append(threading.current_thread().name)
            return super().__call__(items)
        finally:
            self._alone.release()


@pytest.fixture
def where() -> Where:
    return Where()


@pytest.fixture
def batcher(where: Where) -> Iterator[Batcher[int, int]]:
    batcher = Batcher(where, max_batch=4, places=8, name="lane")
    batcher.start()
    yield batcher
    where.go_on.set()
    batcher.close(SOON)


def test_an_idle_batcher_computes_in_the_thread_that_asks(
    batcher: Batcher[int, int], where: Where
) -> None:
    future = batcher.compute_or_submit(21, later())
    assert future.done()
    assert future.result() == 42
    assert where.threads == [threading.current_thread().name]
    assert batcher.is_idle


def test_a_busy_batcher_queues(batcher: Batcher[int, int], where: Where) -> None:
    occupy(batcher, where)
    assert not batcher.is_idle
    future = batcher.compute_or_submit(1, later())
    assert not future.done()
    where.go_on.set()
    assert batcher.result(future, later()) == 2
    assert where.threads == ["lane-0", "lane-0"]


def test_what_arrives_while_the_asking_thread_computes_waits_for_the_batchers_own(
    batcher: Batcher[int, int], where: Where
) -> None:
    where.go_on.clear()
    asking = threading.Thread(target=batcher.compute_or_submit, args=(0, later()), name="asking")
    asking.start()
    assert where.computing.wait(SOON)
    assert not batcher.is_idle
    futures = [batcher.compute_or_submit(number, later()) for number in (1, 2)]
    futures.append(batcher.submit(3, later()))
    where.go_on.set()
    assert [batcher.result(future, later()) for future in futures] == [2, 4, 6]
    asking.join(SOON)
    assert where.batches == [[0], [1, 2, 3]]
    assert where.threads == ["asking", "lane-0"]


def test_many_threads_never_compute_at_once(batcher: Batcher[int, int], where: Where) -> None:
    wrong: list[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 200):
            with batcher.admission.enter():
                if batcher.result(batcher.compute_or_submit(100 + number, later()), later()) != (
                    200 + 2 * number
                ):
                    wrong.append(number)

    threads = [threading.Thread(target=ask, args=(1000 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert not wrong
    assert sum(map(len, where.batches)) == 1600
    assert batcher.is_idle


def test_an_item_past_its_deadline_is_not_computed(
    batcher: Batcher[int, int], where: Where
) -> None:
    with pytest.raises(DeadlineExceeded):
        batcher.compute_or_submit(1, time.monotonic()).result(SOON)
    assert where.batches == []


def test_a_bad_item_fails_and_the_next_is_computed(batcher: Batcher[int, int]) -> None:
    with pytest.raises(ValueError, match="thirteen"):
        batcher.compute_or_submit(13, later()).result(0)
    assert batcher.compute_or_submit(4, later()).result(0) == 8


def test_a_computation_that_hangs_shows_in_the_beat(
    batcher: Batcher[int, int], where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    where.go_on.clear()
    asking = threading.Thread(target=batcher.compute_or_submit, args=(0, later()))
    asking.start()
    assert where.computing.wait(SOON)
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + 100)
    try:
        assert batcher.seconds_since_beat() > 90
    finally:
        monkeypatch.undo()
        where.go_on.set()
        asking.join(SOON)
    assert batcher.seconds_since_beat() < 90


def test_closing_waits_for_the_thread_that_computes(
    batcher: Batcher[int, int], where: Where
) -> None:
    where.go_on.clear()
    asking = threading.Thread(target=batcher.compute_or_submit, args=(0, later()))
    asking.start()
    assert where.computing.wait(SOON)
    closing = threading.Thread(target=batcher.close, args=(SOON,))
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    where.go_on.set()
    closing.join(SOON)
    assert not closing.is_alive()
    with pytest.raises(BatcherClosed):
        batcher.compute_or_submit(1, later()).result(SOON)


def test_with_several_lanes_everything_is_queued(where: Where) -> None:
    batcher = Batcher(where, max_batch=4, places=8, lanes=2, name="lane")
    batcher.start()
    assert batcher.result(batcher.compute_or_submit(1, later()), later()) == 2
    assert where.threads[0].startswith("lane-")
    batcher.close(SOON)


def test_a_device_lost_in_the_asking_thread_closes_the_batcher() -> None:
    lost: list[DeviceLost] = []

    def fail(_items: object) -> list[int]:
        raise DeviceLost("gone")

    batcher: Batcher[int, int] = Batcher(fail, max_batch=4, places=8, on_lost=lost.append)
    batcher.start()
    with pytest.raises(BatcherClosed):
        batcher.compute_or_submit(1, later()).result(SOON)
    assert [str(error) for error in lost] == ["gone"]
    with pytest.raises(BatcherClosed):
        batcher.submit(1, later()).result(SOON)
    batcher.close(SOON)
