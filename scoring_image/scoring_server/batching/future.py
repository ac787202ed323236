"""A result that is still to come."""

import logging
import threading
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from scoring_server.batching.errors import BatcherClosed

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class _State(Enum):
    WAITING = "nothing was done for it yet"
    BEGUN = "it is being computed"
    CANCELLED = "nobody wants it any more"
    DONE = "there is a result or an error"


class Future(Generic[Result]):
    """What whoever computes promises to one who waits.

    concurrent.futures' own can be waited for by many threads, which takes a condition: with a tiny
    model that was a tenth of all CPU time of a request.
    """

    __slots__ = ("_callback", "_error", "_lock", "_result", "_state")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _State.WAITING
        self._callback: Callable[[], None] | None = None
        self._error: Exception | None = None
        self._result: Result

    @property
    def done(self) -> bool:
        """Whether there is a result or an error."""
        return self._state is _State.DONE

    @property
    def error(self) -> Exception | None:
        """Of what is done."""
        return self._error

    def result(self) -> Result:
        """Of what is done.

        Raises:
            Exception: the error that it is done with.
        """
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """Say that nobody wants it; what has begun goes on."""
        with self._lock:
            if self._state is _State.WAITING:
                self._state = _State.CANCELLED

    def begin(self) -> bool:
        """Whether it is still wanted; it cannot be cancelled after that."""
        with self._lock:
            if self._state is _State.WAITING:
                self._state = _State.BEGUN
            return self._state is _State.BEGUN

    def set_result(self, result: Result) -> None:
        """It is done."""
        self._result = result
        self._end()

    def set_error(self, error: Exception) -> None:
        """It is done, and failed."""
        self._error = error
        self._end()

    def refuse(self) -> None:
        """It will not be computed: BatcherClosed, where it is still wanted."""
        if self.begin():
            self.set_error(BatcherClosed())

    def when_done(self, callback: Callable[[], None]) -> None:
        """Have it called once, by the thread that is done with it; at once where it is done.

        There can be one at a time.
        """
        with self._lock:
            if self._state is not _State.DONE:
                self._callback = callback
                return
        callback()

    def _end(self) -> None:
        with self._lock:
            self._state = _State.DONE
            callback, self._callback = self._callback, None
        if callback is None:
            return
        try:
            callback()
        except Exception:  # it is not the fault of whoever computes
            _log.exception("what waited for a result failed")
