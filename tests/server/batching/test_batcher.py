import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from scoring_server.batching import Batcher, BatcherClosed, DeadlineExceeded, DeviceLost
from tests.server.awaiting import result

SOON = 60.0


class Doubler:
    """Doubles numbers, remembers its batches, and waits where told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.computing = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.computing.set()
        assert self.go_on.wait(SOON)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


class Observed:
    def __init__(self) -> None:
        self.depths: list[int] = []
        self.sizes: list[int] = []
        self.expired = 0

    def items_wait(self, count: int) -> None:
        self.depths.append(count)

    def batch_computed(self, size: int, seconds: float) -> None:
        assert seconds >= 0
        self.sizes.append(size)

    def item_expired(self) -> None:
        self.expired += 1


@pytest.fixture
def doubler() -> Doubler:
    return Doubler()


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def batcher(doubler: Doubler, observed: Observed) -> Iterator[Batcher[int, int]]:
    batcher = Batcher(doubler, max_batch=4, places=8, observer=observed)
    batcher.start()
    yield batcher
    doubler.go_on.set()
    batcher.close(SOON)


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


def occupy(batcher: Batcher[int, int], doubler: Doubler) -> None:
    """Let the thread be busy with an item of its own until `go_on` is set."""
    doubler.go_on.clear()
    batcher.submit(0, later())
    assert doubler.computing.wait(SOON)


def test_an_idle_batcher_computes_a_lone_item_at_once(batcher: Batcher[int, int]) -> None:
    taken = []
    for _ in range(10):
        started = time.monotonic()
        assert result(batcher.submit(21, later()), later()) == 42
        taken.append(time.monotonic() - started)
    # Waiting for anything would lengthen each of them; a busy machine lengthens some.
    assert min(taken[1:]) < 0.5


def test_what_waited_is_computed_together_up_to_the_largest_batch(
    batcher: Batcher[int, int], doubler: Doubler, observed: Observed
) -> None:
    occupy(batcher, doubler)
    futures = [batcher.submit(i, later()) for i in range(1, 7)]
    assert batcher.depth == 6
    doubler.go_on.set()
    assert [result(future, later()) for future in futures] == [2, 4, 6, 8, 10, 12]
    assert doubler.batches == [[0], [1, 2, 3, 4], [5, 6]]
    assert observed.sizes == [1, 4, 2]


def test_a_bad_item_fails_alone(batcher: Batcher[int, int], doubler: Doubler) -> None:
    occupy(batcher, doubler)
    futures = [batcher.submit(i, later()) for i in (1, 13, 3)]
    doubler.go_on.set()
    assert result(futures[0], later()) == 2
    assert result(futures[2], later()) == 6
    with pytest.raises(ValueError, match="thirteen"):
        result(futures[1], later())


def test_an_item_past_its_deadline_is_never_computed(
    batcher: Batcher[int, int], doubler: Doubler, observed: Observed
) -> None:
    occupy(batcher, doubler)
    late = batcher.submit(5, time.monotonic())
    good = batcher.submit(6, later())
    doubler.go_on.set()
    assert result(good, later()) == 12
    with pytest.raises(DeadlineExceeded):
        result(late, later())
    assert doubler.batches == [[0], [6]]
    assert observed.expired == 1


def test_who_waits_is_told_at_the_deadline_although_the_model_is_busy(
    batcher: Batcher[int, int], doubler: Doubler
) -> None:
    occupy(batcher, doubler)
    future = batcher.submit(5, later())
    with pytest.raises(DeadlineExceeded):
        result(future, later(0.05))
    doubler.go_on.set()
    assert result(batcher.submit(6, later()), later()) == 12
    assert [5] not in doubler.batches, "an item that nobody waits for is not computed"


def test_a_model_that_loses_results_is_an_error_of_its_items() -> None:
    batcher: Batcher[int, int] = Batcher(lambda _items: [], max_batch=4, places=4)
    batcher.start()
    with pytest.raises(RuntimeError, match="1 items gave 0 results"):
        result(batcher.submit(1, later()), later())
    batcher.close(SOON)


def test_the_observer_is_told_how_many_items_wait(doubler: Doubler) -> None:
    observed = Observed()
    batcher: Batcher[int, int] = Batcher(doubler, max_batch=2, places=8, observer=observed)
    batcher.start()
    occupy(batcher, doubler)
    futures = [batcher.submit(number, later()) for number in range(3)]
    assert observed.depths[-3:] == [1, 2, 3]
    doubler.go_on.set()
    for future in futures:
        result(future, later())
    assert observed.depths[-1] == 0
    batcher.close(SOON)


def test_the_observer_is_told_that_nothing_waits_any_more(doubler: Doubler) -> None:
    observed = Observed()
    batcher: Batcher[int, int] = Batcher(doubler, max_batch=2, places=8, observer=observed)
    batcher.start()
    occupy(batcher, doubler)
    batcher.submit(1, later())
    assert observed.depths[-1] == 1
    batcher.close(0)
    doubler.go_on.set()
    deadline = later()
    while observed.depths[-1]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_closing_refuses_what_waits_and_what_comes(
    batcher: Batcher[int, int], doubler: Doubler
) -> None:
    occupy(batcher, doubler)
    waiting = batcher.submit(1, later())
    batcher.close(0)
    doubler.go_on.set()
    with pytest.raises(BatcherClosed):
        result(waiting, later())
    with pytest.raises(BatcherClosed):
        result(batcher.submit(2, later()), later())


def test_the_beat_stops_while_the_model_is_stuck(
    batcher: Batcher[int, int], doubler: Doubler
) -> None:
    occupy(batcher, doubler)
    deadline = later()
    while batcher.seconds_since_beat() < 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    doubler.go_on.set()
    result(batcher.submit(1, later()), later())
    deadline = later()
    while batcher.seconds_since_beat() >= 0.2:  # it beats behind the answer, and each second
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_thread_that_does_not_run_never_beats(doubler: Doubler) -> None:
    assert Batcher(doubler, max_batch=1, places=1).seconds_since_beat() == float("inf")


def test_an_empty_batch_is_refused(doubler: Doubler) -> None:
    with pytest.raises(ValueError, match="max_batch"):
        Batcher(doubler, max_batch=0, places=1)


def delaying(doubler: Doubler, seconds: float) -> Batcher[int, int]:
    return Batcher(doubler, max_batch=3, places=8, max_delay=seconds)


def test_with_a_delay_a_batch_waits_for_more(doubler: Doubler) -> None:
    batcher = delaying(doubler, SOON)
    batcher.start()
    started = time.monotonic()
    futures = []
    for item in (1, 2, 3):
        futures.append(batcher.submit(item, later(SOON * 2)))
        time.sleep(0.02)
    assert [result(future, later()) for future in futures] == [2, 4, 6]
    assert doubler.batches == [[1, 2, 3]]  # full: the rest of the delay is not waited for
    assert time.monotonic() - started < SOON
    batcher.close(SOON)


def test_a_lone_item_waits_no_longer_than_the_delay(doubler: Doubler) -> None:
    batcher = delaying(doubler, 0.2)
    batcher.start()
    started = time.monotonic()
    assert result(batcher.submit(1, later()), later()) == 2
    assert 0.2 <= time.monotonic() - started < SOON
    batcher.close(SOON)


def test_an_item_that_has_waited_for_the_batch_before_it_waits_no_more(doubler: Doubler) -> None:
    batcher = delaying(doubler, 2.0)
    doubler.go_on.clear()
    batcher.start()
    occupying = [batcher.submit(0, later()) for _ in range(3)]
    assert doubler.computing.wait(SOON)
    future = batcher.submit(1, later())
    time.sleep(2.1)
    started = time.monotonic()
    doubler.go_on.set()
    assert result(future, later()) == 2
    assert time.monotonic() - started < 2.0
    assert [result(done, later()) for done in occupying] == [0, 0, 0]
    batcher.close(SOON)


def test_waiting_for_more_ends_with_the_batcher(doubler: Doubler) -> None:
    batcher = delaying(doubler, SOON)
    batcher.start()
    future = batcher.submit(1, later())
    started = time.monotonic()
    batcher.close(SOON)
    with pytest.raises(BatcherClosed):
        result(future, later())
    assert time.monotonic() - started < SOON / 2


def test_a_lost_device_refuses_all_that_waits_and_is_told_once() -> None:
    told: list[str] = []
    entered, go_on = threading.Event(), threading.Event()
    batches: list[int] = []

    def compute(items: Sequence[int]) -> list[int]:
        batches.append(len(items))
        entered.set()
        assert go_on.wait(SOON)
        raise DeviceLost("it fell off the bus")

    batcher: Batcher[int, int] = Batcher(
        compute, max_batch=2, places=8, on_lost=lambda lost: told.append(str(lost))
    )
    batcher.start()
    futures = [batcher.submit(1, later())]
    assert entered.wait(SOON)
    futures += [batcher.submit(i, later()) for i in (2, 3, 4)]
    go_on.set()
    for future in futures:
        with pytest.raises(BatcherClosed):
            result(future, later())
    with pytest.raises(BatcherClosed):
        result(batcher.submit(5, later()), later())
    deadline = later()
    while batcher.seconds_since_beat() != float("inf"):  # the thread has ended
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert told == ["it fell off the bus"]
    assert batches == [1], "nothing is computed one by one on a device that is gone"


def test_with_two_lanes_a_batch_is_prepared_while_another_is_computed(observed: Observed) -> None:
    both = threading.Barrier(2, timeout=SOON)

    def compute(items: Sequence[int]) -> list[int]:
        both.wait()  # passes only if two batches are under way at once
        return list(items)

    batcher: Batcher[int, int] = Batcher(compute, max_batch=1, places=8, lanes=2, observer=observed)
    batcher.start()
    futures = [batcher.submit(i, later()) for i in range(4)]
    assert [result(future, later()) for future in futures] == [0, 1, 2, 3]
    assert batcher.seconds_since_beat() < SOON
    batcher.close(SOON)
    assert batcher.seconds_since_beat() == float("inf")
    assert observed.sizes == [1] * 4


def test_a_device_that_is_lost_ends_every_lane_and_is_told_once() -> None:
    told: list[str] = []
    both = threading.Barrier(2, timeout=SOON)

    def compute(items: Sequence[int]) -> list[int]:
        both.wait()
        raise DeviceLost("it fell off the bus")

    batcher: Batcher[int, int] = Batcher(
        compute, max_batch=1, places=8, lanes=2, on_lost=lambda lost: told.append(str(lost))
    )
    batcher.start()
    for future in [batcher.submit(i, later()) for i in range(3)]:
        with pytest.raises(BatcherClosed):
            result(future, later())
    batcher.close(SOON)
    assert told == ["it fell off the bus"]
