"""Threads that own a model and compute what waits, a batch at a time."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from scoring_server.batching.admission import Admission
from scoring_server.batching.errors import BatcherClosed, DeadlineExceeded, DeviceLost
from scoring_server.batching.future import Future

_log = logging.getLogger(__name__)

# How often the idle thread shows that it is alive, seconds.
_BEAT_SECONDS = 1.0

Item = TypeVar("Item")
Result = TypeVar("Result")


class BatchObserver(Protocol):
    """Told about every batch and what waits for one; the metrics are one."""

    def items_wait(self, count: int) -> None: ...

    def batch_computed(self, size: int, seconds: float) -> None: ...

    def item_expired(self) -> None: ...


@dataclass(slots=True)
class _Work(Generic[Item, Result]):
    item: Item
    arrived: float
    deadline: float
    future: "Future[Result]"


class Batcher(Generic[Item, Result]):
    """A bounded queue and the thread that empties it, or a few of them.

    A thread takes what waits, up to `max_batch`. Without a `max_delay` it never waits for more:
    an idle model computes a lone item at once, a busy one finds its next batch waiting. Items whose
    deadline has passed are dropped, not computed. Where a batch fails, its items are computed one
    by one, so that an item fails alone; not so where the device is lost, which ends the thread.

    Args:
        compute: items to results, one for each, in the same order; called by these threads only.
        max_batch: the most items in one call.
        places: the most items that may be in the house, those being computed included.
        max_delay: how long an item may wait for others to fill its batch, seconds.
        lanes: how many threads there are: where something else than the CPU computes, one prepares
            the next batch and answers the last one meanwhile.
        observer: told about every batch.
        on_lost: told once by a thread that the device is lost, before what waits is refused.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        max_batch: int,
        places: int,
        max_delay: float = 0.0,
        lanes: int = 1,
        observer: BatchObserver | None = None,
        on_lost: Callable[[DeviceLost], None] | None = None,
        name: str = "batcher",
    ) -> None:
        if max_batch < 1:
            raise ValueError(f"max_batch must be at least 1, got {max_batch}")
        self.admission = Admission(places)
        self._compute = compute
        self._max_batch = max_batch
        self._max_delay = max_delay
        self._observer = observer
        self._on_lost = on_lost
        self._waiting: deque[_Work[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._lost = False
        self._beats = [time.monotonic()] * lanes
        self._threads = [
            threading.Thread(target=self._run, args=(lane,), name=f"{name}-{lane}", daemon=True)
            for lane in range(lanes)
        ]

    def start(self) -> None:
        """Start the threads; to be called in the process that serves, after any fork."""
        for thread in self._threads:
            thread.start()

    def submit(self, item: Item, deadline: float) -> "Future[Result]":
        """Queue one item. The caller holds a place for it (`admission.enter`) until it is done.

        The future's callback is called by one of these threads, between two batches: it must not
        wait for anything.

        Args:
            item: what to compute.
            deadline: on the clock of time.monotonic(), seconds.

        Returns:
            A future of the result, or of DeadlineExceeded, BatcherClosed or the model's own error.
        """
        work: _Work[Item, Result] = _Work(item, time.monotonic(), deadline, Future())
        with self._changed:
            if not self._closed:
                self._waiting.append(work)
                self._tell_depth()
                self._changed.notify()
                return work.future
        work.future.refuse()
        return work.future

    @property
    def depth(self) -> int:
        """How many items wait, those being computed not counted."""
        return len(self._waiting)

    def seconds_since_beat(self) -> float:
        """Seconds since the slowest thread last moved; infinite when one of them has died."""
        if not all(thread.is_alive() for thread in self._threads):
            return float("inf")
        return time.monotonic() - min(self._beats)

    def close(self, timeout: float) -> None:
        """Stop the threads after their present batch; what still waits gets BatcherClosed.

        Args:
            timeout: how long to wait for the threads, seconds.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + timeout
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    def _run(self, lane: int) -> None:
        while self._turn(lane):
            self._beats[lane] = time.monotonic()

    def _turn(self, lane: int) -> bool:
        """Compute the next batch, of which nothing is kept; False at the end."""
        batch = self._next_batch()
        if batch is None:
            return False
        if batch:
            try:
                self._compute_batch(batch, lane)
            except DeviceLost as lost:
                self._lose(batch, lost)
                return False
        return True

    def _next_batch(self) -> list[_Work[Item, Result]] | None:
        """What to compute now; empty after an idle beat, None when closed."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(_BEAT_SECONDS)
            self._wait_for_more()
            closed = self._closed
            taken, late = ([], []) if closed else self._take()
        # Not with the lock held: whoever waits for these goes on in this thread.
        for work in late:
            self._expire(work)
        if closed:
            self._refuse_waiting()
            return None
        return taken

    def _take(self) -> tuple[list[_Work[Item, Result]], list[_Work[Item, Result]]]:
        """With the lock held: the next batch, and what is too late for it."""
        taken: list[_Work[Item, Result]] = []
        late: list[_Work[Item, Result]] = []
        now = time.monotonic()
        while self._waiting and len(taken) < self._max_batch:
            work = self._waiting.popleft()
            if work.future.begin():  # else nobody waits for it any more
                (late if work.deadline <= now else taken).append(work)
        self._tell_depth()
        return taken, late

    def _refuse_waiting(self) -> None:
        """When nothing will be computed any more."""
        with self._changed:
            refused = list(self._waiting)
            self._waiting.clear()
            self._tell_depth()
        for work in refused:
            work.future.refuse()

    def _tell_depth(self) -> None:
        """With the lock held: two threads cannot tell in the wrong order."""
        if self._observer:
            self._observer.items_wait(len(self._waiting))

    def _lose(self, batch: list[_Work[Item, Result]], lost: DeviceLost) -> None:
        with self._changed:
            first, self._lost = not self._lost, True
        if first and self._on_lost is not None:
            self._on_lost(lost)
        for work in batch:
            if not work.future.done:
                work.future.set_error(BatcherClosed())
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._refuse_waiting()

    def _wait_for_more(self) -> None:
        """With the lock held: until the batch is full or its oldest item has waited enough."""
        while 0 < len(self._waiting) < self._max_batch and not self._closed:
            oldest = self._waiting[0]
            left = min(oldest.arrived + self._max_delay, oldest.deadline) - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)

    def _expire(self, work: _Work[Item, Result]) -> None:
        work.future.set_error(DeadlineExceeded())
        if self._observer:
            self._observer.item_expired()

    def _compute_batch(self, batch: list[_Work[Item, Result]], lane: int) -> None:
        started = time.monotonic()
        try:
            results = self._compute([work.item for work in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(batch)} items gave {len(results)} results")  # noqa: TRY301 - handled like any other failure of the batch
        except DeviceLost:
            raise
        except Exception as error:
            self._compute_singly(batch, error, lane)
            return
        if self._observer:
            self._observer.batch_computed(len(batch), time.monotonic() - started)
        for work, result in zip(batch, results, strict=True):
            work.future.set_result(result)

    def _compute_singly(
        self, batch: list[_Work[Item, Result]], error: Exception, lane: int
    ) -> None:
        if len(batch) == 1:
            batch[0].future.set_error(error)
            return
        _log.warning("a batch of %d failed; its items are computed one by one", len(batch))
        for work in batch:
            self._beats[lane] = time.monotonic()
            self._compute_batch([work], lane)
