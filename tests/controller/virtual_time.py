"""An event loop for which no time passes while it works: a busy machine changes nothing."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable


class _Jumping(selectors.DefaultSelector):
    """Says at once that nothing has happened, and how long one would have waited for that."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(timeout if timeout is None else 0)
        if timeout and not found:
            self._jump(timeout)
        return found


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its clock stands still, and jumps to the next moment for which something is planned.

    For tests without files, sockets or threads: what these do takes no time either.
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self._jump))

    def time(self) -> float:
        """Seconds since its start."""
        return self._now

    def _jump(self, seconds: float) -> None:
        self._now += seconds
