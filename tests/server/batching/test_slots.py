import threading
import time

import pytest

from scoring_server.batching import DeadlineExceeded, FairSlots

SOON = 60.0


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


def wait_for(slots: FairSlots, waiting: int) -> None:
    deadline = later()
    while slots.waiting != waiting:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_slots_go_to_who_asked_first() -> None:
    slots = FairSlots(1)
    order: list[int] = []

    def ask(number: int) -> None:
        with slots.hold(later()):
            order.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    with slots.hold(later()):
        for count, thread in enumerate(threads, start=1):
            thread.start()
            wait_for(slots, count)
    for thread in threads:
        thread.join(SOON)
    assert order == [0, 1, 2, 3, 4]


def test_only_so_many_hold_a_slot_at_once() -> None:
    slots = FairSlots(2)
    both = threading.Barrier(2, timeout=SOON)
    lock = threading.Lock()
    holding = most = 0

    def ask() -> None:
        nonlocal holding, most
        with slots.hold(later()):
            with lock:
                holding += 1
                most = max(most, holding)
            both.wait()  # passes only if two hold one at once
            time.sleep(0.005)
            with lock:
                holding -= 1

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert most == 2


def test_waiting_ends_at_the_deadline_and_leaves_the_queue() -> None:
    slots = FairSlots(1)
    with slots.hold(later()):
        with pytest.raises(DeadlineExceeded), slots.hold(later(0.02)):
            pytest.fail("two held one slot")
        assert slots.waiting == 0
    with slots.hold(later(0.02)):
        pass


def test_no_slots_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        FairSlots(0)
