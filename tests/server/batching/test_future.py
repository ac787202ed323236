"""One computes, one waits; either may be faster."""

import logging

import pytest

from scoring_server.batching import BatcherClosed, Future


def test_who_waits_is_told_once() -> None:
    future: Future[int] = Future()
    told: list[int] = []
    future.when_done(lambda: told.append(future.result()))
    assert future.begin()
    assert not future.done
    future.set_result(5)
    assert future.done
    assert told == [5]


def test_who_comes_late_is_told_at_once() -> None:
    future: Future[int] = Future()
    future.set_result(5)
    told: list[int] = []
    future.when_done(lambda: told.append(future.result()))
    assert told == [5]


def test_an_error_is_a_result_too() -> None:
    future: Future[int] = Future()
    future.set_error(ValueError("thirteen"))
    assert future.done
    assert isinstance(future.error, ValueError)
    with pytest.raises(ValueError, match="thirteen"):
        future.result()


def test_what_was_cancelled_is_not_begun() -> None:
    future: Future[int] = Future()
    future.cancel()
    assert not future.begin()
    future.refuse()
    assert not future.done


def test_what_has_begun_goes_on() -> None:
    future: Future[int] = Future()
    assert future.begin()
    future.cancel()
    future.set_result(5)
    assert future.result() == 5


def test_what_is_refused_is_done() -> None:
    future: Future[int] = Future()
    future.refuse()
    assert isinstance(future.error, BatcherClosed)


def test_a_failure_of_who_waits_is_logged_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    future: Future[int] = Future()
    future.when_done(lambda: [][0])
    with caplog.at_level(logging.ERROR):
        future.set_result(5)
    assert "what waited for a result failed" in caplog.text
