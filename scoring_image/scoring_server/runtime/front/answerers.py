"""The threads that answer, and the places that scoring requests take."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from scoring_server.batching import Admission, Task
from scoring_server.runtime.front import limits
from scoring_server.runtime.front.answering import Answered, answer_request
from scoring_server.runtime.front.connection import Connection, State
from scoring_server.runtime.front.connections import READABLE, WRITABLE, Connections
from scoring_server.runtime.front.waits import Waits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)


class Answerers:
    """Threads for scoring requests and threads for all others, so that probes never wait.

    Args:
        settings: how many, and for how many requests.
        connections: where a connection is handed back to the main thread.
        app: what answers.
        cfg: gunicorn's.
        goes_on: whether connections may be kept.
        waits: where answers wait.
    """

    def __init__(
        self,
        settings: limits.FrontSettings,
        connections: Connections,
        app: "WSGIApplication",
        cfg: Any,
        goes_on: Callable[[], bool],
        waits: Waits,
    ) -> None:
        self._settings = settings
        self._connections = connections
        self._app = app
        self._cfg = cfg
        self._goes_on = goes_on
        self._waits = waits
        self._places = Admission(settings.most_places)
        self._scoring: SimpleQueue[Connection] = SimpleQueue()
        self._others: SimpleQueue[Connection] = SimpleQueue()
        self._at_hand: deque[Connection] = deque()
        self._seconds = limits.QUEUE_SECONDS  # of CPU that a scoring request took lately

    def start(self) -> None:
        """Start the threads. They end with the process: a drained worker has nothing in them."""
        for queue, count, name in (
            (self._scoring, self._settings.scoring_threads, "scoring"),
            (self._others, self._settings.other_threads, "other"),
        ):
            for number in range(count):
                threading.Thread(
                    target=self._work, args=(queue,), name=f"{name}-{number}", daemon=True
                ).start()

    @property
    def is_full(self) -> bool:
        """Whether there is no place for a scoring request."""
        taken = self._places.taken
        return taken >= self._settings.places and taken * self._seconds >= limits.QUEUE_SECONDS

    def take(self, connection: Connection) -> bool:
        """Answer the connection's request, which is whole; False where there is no place for it.

        What is posted is a scoring request.
        """
        if not connection.inbox.is_post:
            self._others.put(connection)
        elif not self._enter(connection):
            return False
        elif self._is_cheap(connection):
            self._at_hand.append(connection)
        else:
            self._scoring.put(connection)
        return True

    @property
    def has_at_hand(self) -> bool:
        """Whether requests wait for `answer_at_hand`."""
        return bool(self._at_hand)

    def answer_at_hand(self, seconds: float) -> None:
        """Answer cheap requests in the calling thread, the main one, for so long: one at least.

        Handing one to another thread and back takes longer than answering it.
        """
        end = time.monotonic() + seconds
        while self._at_hand:
            self._try(self._at_hand.popleft())
            if time.monotonic() >= end:
                break

    def _is_cheap(self, connection: Connection) -> bool:
        return (
            self._seconds < limits.CHEAP_SECONDS
            and len(connection.inbox) <= self._settings.cheap_bytes
        )

    def _enter(self, connection: Connection) -> bool:
        if self.is_full or not self._places.try_enter():
            return False
        connection.counted = True
        self._settings.in_flight.inc()
        return True

    def _leave(self, connection: Connection) -> None:
        if connection.counted:
            connection.counted = False
            self._places.leave()
            self._settings.in_flight.dec()

    def _work(self, queue: "SimpleQueue[Connection]") -> None:
        while True:
            self._try(queue.get())

    def _try(self, connection: Connection) -> None:
        try:
            self._serve(connection)
        except Exception as error:
            self._give_up(connection, error)

    def _give_up(self, connection: Connection, error: Exception) -> None:
        _log.error("a connection is given up", exc_info=error)
        self._leave(connection)
        self._connections.close(connection)

    def _serve(self, connection: Connection) -> None:
        """Answer a request, as far as that goes without waiting."""
        begin = time.thread_time()
        task = Task(answer_request(self._app, self._cfg, connection, self._goes_on))
        if connection.counted:
            self._seconds += limits.SMOOTHING * (time.thread_time() - begin - self._seconds)
        self._hand_on(connection, task)

    def _hand_on(self, connection: Connection, task: Task[Answered]) -> None:
        """The connection, now or when what its answer waits for is there."""
        if task.wait is None:
            self._finish(connection, task.result())
        else:
            self._waits.add(task.wait, partial(self._go_on, connection, task))

    def _go_on(self, connection: Connection, task: Task[Answered]) -> None:
        try:
            task.go_on()
            self._hand_on(connection, task)
        except Exception as error:
            self._give_up(connection, error)

    def _finish(self, connection: Connection, answered: Answered) -> None:
        self._leave(connection)
        try:
            connection.send(answered.data)
        except OSError:
            self._connections.close(connection)
            return
        if connection.outgoing:
            self._leave_rest(connection, keep=answered.keep)
        elif answered.keep:
            self._await_next(connection)
        elif answered.nothing_follows:
            self._connections.close(connection)
        else:
            self._connections.begin_closing(connection)

    def _leave_rest(self, connection: Connection, *, keep: bool) -> None:
        """To the main thread, which sends it as the client takes it."""
        connection.keep = keep
        connection.progress = time.monotonic()
        connection.deadline = connection.progress + self._settings.client_seconds
        connection.state = State.WRITING
        self._connections.arm(connection, WRITABLE)

    def _await_next(self, connection: Connection) -> None:
        """Hand the connection back, for its next request."""
        connection.progress = time.monotonic()
        connection.deadline = connection.progress + limits.IDLE_SECONDS
        connection.state = State.IDLE
        # Writable it is at once: the main thread looks at what has come already.
        self._connections.arm(connection, WRITABLE if connection.inbox else READABLE)
