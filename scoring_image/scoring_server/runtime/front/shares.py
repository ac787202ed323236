"""How many connections each worker has, so that none takes those that another has more room for.

Whichever worker wakes first accepts what waits. Clients that keep a few connections open would all
stay with that one, and the other workers would have nothing to do.
"""

import mmap
from collections.abc import Iterable
from typing import Final

_BYTES: Final = 4
# Of a worker that is not there.
_NOBODY: Final = 2**31 - 1
# So few more than another's are no reason to let it go first.
_TOLERATED: Final = 1


class Shares:
    """A number for each worker, in memory that they share; to be made before they are forked.

    Args:
        workers: how many there are at a time.
    """

    def __init__(self, workers: int) -> None:
        # One more: a worker may start before the one that it replaces is gone.
        memory = mmap.mmap(-1, _BYTES * (workers + 1))
        self._counts = memoryview(memory).cast("i")
        for slot in range(len(self._counts)):
            self.leave(slot)

    def free_slot(self, taken: Iterable[int]) -> int:
        """A slot that is not among these; the last one where all are."""
        free = set(range(len(self._counts))) - set(taken)
        return min(free, default=len(self._counts) - 1)

    def tell(self, slot: int, connections: int) -> None:
        """A worker has so many connections now."""
        self._counts[slot] = connections

    def leave(self, slot: int) -> None:
        """Its worker is gone."""
        self._counts[slot] = _NOBODY

    def is_anothers_turn(self, slot: int) -> bool:
        """Whether another worker has clearly fewer."""
        return min(self._counts) < self._counts[slot] - _TOLERATED
