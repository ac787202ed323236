"""Answers that wait for something, and nobody's thread with them."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from scoring_server.batching import Wait


class Waits:
    """What is waited for, and how to go on.

    The thread that completes it goes on with what waited. Where that comes too late, the main
    thread does.

    Args:
        wake: lets the main thread ask `seconds_left` again.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        # Whoever takes one out of here goes on with it; what comes after that finds nothing.
        self._waiting: dict[Wait[Any], Callable[[], None]] = {}
        # No later than any deadline of these.
        self._earliest = float("inf")
        self._lock = threading.Lock()

    def add(self, wait: Wait[Any], go_on: Callable[[], None]) -> None:
        """Have `go_on` called once: when it is there, or when its deadline has passed."""
        with self._lock:
            self._waiting[wait] = go_on
            sooner = wait.deadline < self._earliest
            if sooner:
                self._earliest = wait.deadline
        if sooner:
            self._wake()
        wait.future.when_done(partial(self._done, wait))

    def seconds_left(self) -> float:
        """How long the main thread may sleep."""
        return max(0.0, self._earliest - time.monotonic())

    def expire(self) -> None:
        """Go on with what is too late; the main thread's."""
        now = time.monotonic()
        if now < self._earliest:
            return
        with self._lock:
            late = [wait for wait in self._waiting if wait.deadline <= now]
            found = [self._waiting.pop(wait) for wait in late]
            self._earliest = min((wait.deadline for wait in self._waiting), default=float("inf"))
        for go_on in found:
            go_on()

    def _done(self, wait: Wait[Any]) -> None:
        with self._lock:
            go_on = self._waiting.pop(wait, None)
        if go_on is not None:
            go_on()
