"""Answers that wait: once, in time or too late, whoever is faster."""

import time
from typing import Any

import pytest

from scoring_server.batching import Future, Wait
from scoring_server.runtime.front.waits import Waits

SOON = 60.0


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def waits(woken: Woken) -> Waits:
    return Waits(woken)


@pytest.fixture
def gone_on() -> list[str]:
    return []


def wait(seconds: float) -> Wait[Any]:
    return Wait(Future(), time.monotonic() + seconds)


def test_it_goes_on_when_it_is_there(waits: Waits, gone_on: list[str]) -> None:
    waiting = wait(SOON)
    waits.add(waiting, lambda: gone_on.append("on"))
    waits.expire()
    assert gone_on == []
    waiting.future.set_result(None)
    assert gone_on == ["on"]


def test_what_is_there_already_goes_on_at_once(waits: Waits, gone_on: list[str]) -> None:
    waiting = wait(SOON)
    waiting.future.set_result(None)
    waits.add(waiting, lambda: gone_on.append("on"))
    assert gone_on == ["on"]


def test_what_comes_after_the_deadline_finds_nothing(waits: Waits, gone_on: list[str]) -> None:
    late, other = wait(0.0), wait(SOON)
    waits.add(late, lambda: gone_on.append("late"))
    waits.add(other, lambda: gone_on.append("other"))
    waits.expire()
    assert gone_on == ["late"]
    late.future.set_result(None)
    waits.expire()
    assert gone_on == ["late"]


def test_the_main_thread_sleeps_until_the_first_deadline(waits: Waits) -> None:
    assert waits.seconds_left() == float("inf")
    waits.add(wait(2 * SOON), lambda: None)
    waits.add(wait(SOON), lambda: None)
    assert 0.0 < waits.seconds_left() <= SOON


def test_it_is_woken_by_an_earlier_deadline_alone(waits: Waits, woken: Woken) -> None:
    for seconds, times in ((SOON, 1), (2 * SOON, 1), (SOON / 2, 2), (SOON, 2)):
        waits.add(wait(seconds), lambda: None)
        assert woken.times == times


def test_deadlines_of_what_is_done_are_forgotten_when_they_pass(waits: Waits) -> None:
    done, other = wait(0.0), wait(SOON)
    waits.add(done, lambda: None)
    waits.add(other, lambda: None)
    done.future.set_result(None)
    assert waits.seconds_left() == 0.0
    waits.expire()
    assert waits.seconds_left() > 0.0
