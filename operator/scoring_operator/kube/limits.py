"""A fuse on how fast requests leave: it bounds the harm of a loop, the server does the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class RateLimit:
    """A token bucket: `burst` requests at once, `per_second` in the long run, first come first.

    Callers wait in `acquire`; each takes its place in the line at once, so nobody starves.
    """

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1.0 / per_second
        self._slack = burst * self._interval
        self._clock = clock
        self._next = clock() - self._slack  # when the next request may leave

    def reserve(self) -> float:
        """Take a place in the line; seconds to wait for it."""
        now = self._clock()
        self._next = max(self._next, now - self._slack) + self._interval
        return max(0.0, self._next - now)

    async def acquire(self) -> None:
        """Wait for a place in the line."""
        delay = self.reserve()
        if delay > 0:
            await asyncio.sleep(delay)
