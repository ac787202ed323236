"""The work queue between the watches and the workers.

What it guarantees, whatever the order of the calls (`tests/controller/test_queue.py`):

1. A key that was added is handed out at least once after the last `add`.
2. A key that waits is handed out once, however often it was added.
3. A key is with one worker at a time; added meanwhile, it is handed out again after `done`.
4. Of several due times of a key the earliest counts.
5. Keys that are due are handed out in the order in which they became due.
6. `retry` waits longer each time, with jitter, up to a limit; `forget` starts that anew.

The ideas are client-go's (util/workqueue), in one class because we need all of them.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key")


@dataclass(frozen=True)
class Backoff:
    """Delays of a key's retries: `first` seconds, doubled each time up to `longest`."""

    first: float = 0.1
    longest: float = 120.0
    jitter: float = 0.25  # each delay is stretched by up to this share

    def delay(self, failures: int, dice: float) -> float:
        """Seconds before the retry after `failures` >= 1 in a row; `dice` in [0, 1)."""
        base = min(self.longest, self.first * 2.0 ** min(failures - 1, 32))
        return base * (1.0 + self.jitter * dice)


class Schedule(Generic[Key]):
    """The queue's rules without waiting: when which key is due. Times are the caller's clock."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}  # of keys that nobody works on
        self._heap: list[tuple[float, int, Key]] = []  # may hold outdated entries
        self._order = itertools.count()
        self._working: dict[Key, float] = {}  # since when
        self._again: dict[Key, float] = {}  # keys added while somebody works on them

    def add(self, key: Key, due: float) -> bool:
        """The key is due at `due` or at its present due time, whichever is earlier.

        Returns whether that made any difference.
        """
        times = self._again if key in self._working else self._due
        if key in times and times[key] <= due:
            return False
        times[key] = due
        if times is self._due:
            heapq.heappush(self._heap, (due, next(self._order), key))
            if len(self._heap) > 2 * len(self._due) + 64:
                self._drop_outdated()
        return True

    def take(self, now: float) -> Key | None:
        """The key that has been due for longest, now worked on; None if none is due."""
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                self._working[key] = now
                return key
        return None

    def done(self, key: Key) -> None:
        """The worker has finished with the key."""
        del self._working[key]
        due = self._again.pop(key, None)
        if due is not None:
            self.add(key, due)

    def next_due(self) -> float | None:
        """When the next key is due; None if no key waits."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def discard(self, key: Key) -> None:
        """Nobody need look at the key any more (unless it is being worked on, or added again)."""
        self._due.pop(key, None)

    def _drop_outdated(self) -> None:
        # Each look leaves behind the due time that it came before; without this they pile up.
        self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[0]]
        heapq.heapify(self._heap)

    def working(self) -> dict[Key, float]:
        """The keys that are being worked on, and since when."""
        return dict(self._working)

    def depth(self, now: float) -> int:
        """How many keys are due and wait for a worker."""
        return sum(1 for due in self._due.values() if due <= now)


class WorkQueue(Generic[Key]):
    """The schedule with a clock, retries, and workers that wait. For one event loop."""

    def __init__(
        self,
        *,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._schedule: Schedule[Key] = Schedule()
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._dice = dice
        self._failures: dict[Key, int] = {}
        self._idle: deque[asyncio.Future[None]] = deque()  # one per worker that waits
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, key: Key) -> None:
        """Look at the key as soon as a worker is free."""
        self.add_after(key, 0.0)

    def add_after(self, key: Key, seconds: float) -> None:
        """Look at the key in `seconds` at the latest."""
        if self._schedule.add(key, self._clock() + seconds):
            self._wake()

    def retry(self, key: Key) -> float:
        """Look at the key after its back-off; returns the seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = self._backoff.delay(failures, self._dice())
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: Key) -> None:
        """The key's next retry is a first one again."""
        self._failures.pop(key, None)

    def forget(self, key: Key) -> None:
        """The key is gone: no retries, no due time."""
        self.succeeded(key)
        self._schedule.discard(key)

    async def get(self) -> Key | None:
        """Wait for a key that is due and take it; None once the queue is closed."""
        while not self._closed:
            key = self._schedule.take(self._clock())
            if key is not None:
                self._wake()  # there may be another one, for another worker
                return key
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            self._wake()
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter in self._idle:
                    self._idle.remove(waiter)
                else:
                    self._wake()  # the wake-up was for another worker then
                raise
        return None

    def done(self, key: Key) -> None:
        """Give the key back after `get`."""
        self._schedule.done(key)
        self._wake()

    def close(self) -> None:
        """Hand out nothing more; workers that wait get None."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._idle:
            _release(self._idle.popleft())

    def depth(self) -> int:
        """How many keys are due and wait for a worker."""
        return self._schedule.depth(self._clock())

    def next_in(self) -> float | None:
        """In how many seconds the next key is due, 0 if one waits; None if there is none."""
        due = self._schedule.next_due()
        return None if due is None else max(0.0, due - self._clock())

    def busy_for(self) -> float:
        """For how many seconds the slowest worker has been at its key; 0 if none works."""
        since = self._schedule.working().values()
        return self._clock() - min(since) if since else 0.0

    def _wake(self) -> None:
        """Wake one idle worker if a key is due, else set the alarm for the next one."""
        due = self._schedule.next_due()
        if due is None or not self._idle:
            return
        delay = due - self._clock()
        if delay <= 0:
            _release(self._idle.popleft())
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
