"""Admission: so much work may be in the house, and no more."""

import threading

from scoring_server.batching.errors import Overloaded


class Admission:
    """A count of places that are taken at once or refused at once.

    Work is counted in before it is decoded: a server that decides afterwards spends its time on
    decoding what it then refuses.
    """

    def __init__(self, places: int) -> None:
        if places < 1:
            raise ValueError(f"places must be at least 1, got {places}")
        self._places = places
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def places(self) -> int:
        """How many places there are."""
        return self._places

    @property
    def taken(self) -> int:
        """How many places are taken now."""
        return self._taken

    def try_enter(self, count: int = 1) -> bool:
        """Take `count` places; False where fewer are free. Whoever got them calls `leave`."""
        with self._lock:
            if self._taken + count > self._places:
                return False
            self._taken += count
            return True

    def leave(self, count: int = 1) -> None:
        """Give `count` places back."""
        with self._lock:
            self._taken -= count

    def enter(self, count: int = 1) -> "Held":
        """Hold `count` places for the length of a with-block.

        Raises:
            Overloaded: fewer places are free; it never waits.
        """
        if not self.try_enter(count):
            raise Overloaded
        return Held(self, count)


class Held:
    """Places that are given back at the end of a with-block."""

    __slots__ = ("_admission", "_count")

    def __init__(self, admission: Admission, count: int) -> None:
        self._admission = admission
        self._count = count

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._admission.leave(self._count)
