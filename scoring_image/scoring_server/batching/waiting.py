"""Work that waits for results without keeping a thread: a coroutine, and whoever drives it."""

import threading
import time
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

from scoring_server.batching.errors import DeadlineExceeded
from scoring_server.batching.future import Future

Result = TypeVar("Result")


class Wait(Generic[Result]):
    """To be awaited: the result of a future, or DeadlineExceeded.

    Args:
        future: is cancelled when the deadline has passed.
        deadline: on the clock of time.monotonic(), seconds.
    """

    __slots__ = ("deadline", "future")

    def __init__(self, future: Future[Result], deadline: float) -> None:
        self.future = future
        self.deadline = deadline

    def __await__(self) -> "Generator[Wait[Any], None, Result]":
        if not self.future.done:
            yield self
        return self.future.result()


class Task(Generic[Result]):
    """A coroutine that awaits nothing but Wait, begun, up to where it waits or ends.

    Any thread may drive it, one at a time. What the coroutine raises comes out where it is driven.

    Attributes:
        wait: what it waits for; None once it has ended.
    """

    def __init__(self, steps: Coroutine[Wait[Any], None, Result]) -> None:
        self._steps = steps
        self._result: Result
        self.wait: Wait[Any] | None = None
        self.go_on()

    def go_on(self) -> None:
        """Up to the next wait or the end. What it waits for is there, or comes too late."""
        try:
            if self.wait is None or self.wait.future.done:
                self.wait = self._steps.send(None)
            else:
                self.wait.future.cancel()
                self.wait = self._steps.throw(DeadlineExceeded())
        except StopIteration as end:
            self.wait = None
            self._result = end.value

    def result(self) -> Result:
        """What the coroutine returns; the calling thread waits where the coroutine does."""
        while self.wait is not None:
            done = threading.Event()
            self.wait.future.when_done(done.set)
            done.wait(max(0.0, self.wait.deadline - time.monotonic()))
            self.go_on()
        return self._result


def run(steps: Coroutine[Wait[Any], None, Result]) -> Result:
    """What a coroutine returns; the calling thread waits where the coroutine does."""
    return Task(steps).result()
