"""The guarantees of the work queue, one by one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring_operator.controller.queue import Backoff, Schedule, WorkQueue

Step = Callable[[Schedule[str]], object]


def take(now: float) -> Step:
    return lambda schedule: schedule.take(now)


def add(key: str, due: float) -> Step:
    return lambda schedule: schedule.add(key, due)


def done(key: str) -> Step:
    return lambda schedule: schedule.done(key)


@dataclass(frozen=True)
class Case:
    guarantee: str
    steps: list[Step]
    results: list[object]


CASES = [
    Case("a key that is due is handed out", [add("a", 0), take(0)], [True, "a"]),
    Case("nothing is handed out before its time", [add("a", 5), take(4.9)], [True, None]),
    Case("nothing is handed out twice", [add("a", 0), take(0), take(9)], [True, "a", None]),
    Case(
        "a key that waits is handed out once, however often it was added",
        [add("a", 0), add("a", 0), take(1), take(1)],
        [True, False, "a", None],
    ),
    Case(
        "of several due times the earliest counts",
        [add("a", 9), add("a", 3), add("a", 5), take(3), take(9)],
        [True, True, False, "a", None],
    ),
    Case(
        "a key is with one worker at a time",
        [add("a", 0), take(0), add("a", 1), take(1)],
        [True, "a", True, None],
    ),
    Case(
        "a key that was added while it was worked on is handed out again afterwards",
        [add("a", 0), take(0), add("a", 1), done("a"), take(1)],
        [True, "a", True, None, "a"],
    ),
    Case(
        "added twice while it was worked on, it comes once",
        [add("a", 0), take(0), add("a", 1), add("a", 2), done("a"), take(2), take(2)],
        [True, "a", True, False, None, "a", None],
    ),
    Case(
        "a delay that was asked for while it was worked on is kept",
        [add("a", 0), take(0), add("a", 8), done("a"), take(7.9), take(8)],
        [True, "a", True, None, None, "a"],
    ),
    Case(
        "keys come in the order in which they became due",
        [add("late", 2), add("early", 1), add("later", 2), take(3), take(3), take(3)],
        [True, True, True, "early", "late", "later"],
    ),
    Case(
        "one key does not hold up another",
        [add("a", 0), add("b", 0), take(0), take(0)],
        [True, True, "a", "b"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.guarantee)
def test_schedule(case: Case) -> None:
    schedule: Schedule[str] = Schedule()
    assert [step(schedule) for step in case.steps] == case.results


def test_next_due_is_that_of_the_earliest_key() -> None:
    schedule: Schedule[str] = Schedule()
    assert schedule.next_due() is None
    schedule.add("a", 7)
    schedule.add("b", 4)
    assert schedule.next_due() == 4
    schedule.discard("b")
    assert schedule.next_due() == 7


def test_outdated_due_times_do_not_pile_up() -> None:
    schedule: Schedule[str] = Schedule()
    for number in range(10_000):
        schedule.add("a", 1e6 - number)
    assert len(schedule._heap) < 100


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from("abc"), st.floats(0, 10)),
            st.tuples(st.just("take"), st.just(""), st.just(0.0)),
            st.tuples(st.just("done"), st.sampled_from("abc"), st.just(0.0)),
        ),
        max_size=60,
    )
)
def test_no_key_is_ever_lost_or_worked_on_twice(
    operations: list[tuple[str, str, float]],
) -> None:
    schedule: Schedule[str] = Schedule()
    working: set[str] = set()
    owed: set[str] = set()  # added since they were last handed out
    for number, (operation, key, delay) in enumerate(operations):
        if operation == "add":
            schedule.add(key, number + delay)
            owed.add(key)
        elif operation == "done" and key in working:
            working.remove(key)
            schedule.done(key)
        elif operation == "take" and (taken := schedule.take(number)) is not None:
            assert taken not in working
            working.add(taken)
            owed.discard(taken)
    for key in working:
        schedule.done(key)
    rest = set()
    while (taken := schedule.take(1e9)) is not None:
        rest.add(taken)
    assert rest == owed


@pytest.mark.parametrize(
    ("failures", "dice", "seconds"),
    [
        (1, 0.0, 0.1),
        (2, 0.0, 0.2),
        (4, 0.0, 0.8),
        (4, 1.0, 1.0),
        (30, 0.0, 60.0),
        (9999, 0.0, 60.0),
    ],
)
def test_backoff_doubles_up_to_its_limit_with_jitter(
    failures: int, dice: float, seconds: float
) -> None:
    backoff = Backoff(first=0.1, longest=60.0, jitter=0.25)
    assert backoff.delay(failures, dice) == pytest.approx(seconds)


async def test_retries_wait_longer_each_time_until_the_key_succeeds() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(first=1.0), dice=lambda: 0.0)
    assert [queue.retry("a"), queue.retry("a"), queue.retry("a")] == [1.0, 2.0, 4.0]
    assert queue.retry("b") == 1.0
    queue.succeeded("a")
    assert queue.retry("a") == 1.0


async def test_a_worker_that_waits_gets_a_key_as_soon_as_it_is_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(waiting, 60) == "a"


async def test_a_delayed_key_comes_by_itself_and_not_too_early() -> None:
    queue: WorkQueue[str] = WorkQueue()
    loop = asyncio.get_running_loop()
    started = loop.time()
    queue.add_after("a", 0.05)
    assert await asyncio.wait_for(queue.get(), 60) == "a"
    assert loop.time() - started >= 0.05


async def test_an_earlier_time_overtakes_the_alarm_that_is_set() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 30)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add_after("a", 0.01)
    assert await asyncio.wait_for(waiting, 60) == "a"


async def test_each_of_many_workers_gets_one_of_many_keys() -> None:
    queue: WorkQueue[int] = WorkQueue()
    workers = [asyncio.create_task(queue.get()) for _ in range(8)]
    await asyncio.sleep(0)
    for key in range(8):
        queue.add(key)
    assert set(await asyncio.wait_for(asyncio.gather(*workers), 60)) == set(range(8))


async def test_a_worker_that_is_cancelled_takes_no_key_with_it() -> None:
    queue: WorkQueue[str] = WorkQueue()
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")  # wakes the first
    first.cancel()
    assert await asyncio.wait_for(second, 60) == "a"


async def test_a_closed_queue_sends_all_workers_home() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 30)
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.close()
    assert await asyncio.wait_for(asyncio.gather(*workers), 60) == [None, None, None]
    assert await queue.get() is None


async def test_a_forgotten_key_comes_again_only_if_it_was_added_meanwhile() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in ("gone", "back"):
        queue.add(key)
        assert await queue.get() == key
    queue.add("back")  # re-created while the worker saw that it was gone
    for key in ("gone", "back"):
        queue.forget(key)
        queue.done(key)
    assert await asyncio.wait_for(queue.get(), 60) == "back"
    assert queue.depth() == 0


async def test_the_slowest_worker_shows() -> None:
    now = 100.0
    queue: WorkQueue[str] = WorkQueue(clock=lambda: now)
    queue.add("a")
    queue.add("b")
    assert queue.depth() == 2
    assert queue.busy_for() == 0.0
    await queue.get()
    now += 42
    assert queue.busy_for() == 42
    assert queue.depth() == 1
    queue.done("a")
    assert queue.busy_for() == 0.0


async def test_when_the_next_key_is_due_can_be_asked() -> None:
    queue: WorkQueue[str] = WorkQueue(clock=lambda: 100.0)
    assert queue.next_in() is None
    queue.add_after("b", 600.0)
    queue.add_after("a", 2.5)
    assert queue.next_in() == 2.5
    queue.add("c")
    assert queue.next_in() == 0.0
