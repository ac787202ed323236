"""Coroutines that wait for futures, and who drives them."""

import threading
import time

import pytest

from scoring_server.batching import DeadlineExceeded, Future, Task, Wait, run

SOON = 60.0


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


async def total(*futures: Future[int], deadline: float | None = None) -> int:
    found = 0
    for future in futures:
        found += await Wait(future, later() if deadline is None else deadline)
    return found


def done(value: int) -> Future[int]:
    future: Future[int] = Future()
    future.set_result(value)
    return future


def test_what_is_there_is_not_waited_for() -> None:
    task = Task(total(done(1), done(2)))
    assert task.wait is None
    assert task.result() == 3


def test_a_task_goes_on_where_it_is_told_to() -> None:
    first: Future[int] = Future()
    second: Future[int] = Future()
    task = Task(total(first, second))
    assert task.wait is not None
    assert task.wait.future is first
    first.set_result(1)
    task.go_on()
    assert task.wait is not None
    assert task.wait.future is second
    second.set_result(2)
    task.go_on()
    assert task.wait is None
    assert task.result() == 3


def test_what_is_not_there_when_the_task_goes_on_comes_too_late() -> None:
    future: Future[int] = Future()
    task = Task(total(future))
    with pytest.raises(DeadlineExceeded):
        task.go_on()
    assert not future.begin(), "nobody waits for it any more"


def test_a_failure_comes_out_where_it_is_awaited() -> None:
    future: Future[int] = Future()
    task = Task(total(future))
    future.set_error(ValueError("thirteen"))
    with pytest.raises(ValueError, match="thirteen"):
        task.go_on()


def test_a_thread_may_wait_for_all_of_it() -> None:
    future: Future[int] = Future()
    thread = threading.Timer(0.01, future.set_result, [5])
    thread.start()
    assert run(total(done(1), future)) == 6
    thread.join(SOON)


def test_a_thread_waits_until_the_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        run(total(Future(), deadline=later(0.01)))
