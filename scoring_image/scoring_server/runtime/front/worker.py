"""gunicorn's worker: one thread that reads from and writes to everybody, others that answer.

gunicorn's own threaded worker gives a thread to each connection that has sent a byte, for as long
as its client likes. Here a thread gets a request when all of it is there, and hands its answer to
the kernel or back: slow clients cost a socket and a buffer.
"""

import contextlib
import os
import select
import sys
import time
from http import HTTPStatus
from typing import Final

from gunicorn.http import errors as parse_errors
from gunicorn.workers.base import Worker as GunicornWorker

from scoring_server.runtime.front import limits
from scoring_server.runtime.front.answerers import Answerers
from scoring_server.runtime.front.answering import closing_answer, error_answer
from scoring_server.runtime.front.connection import Connection, State
from scoring_server.runtime.front.connections import READABLE, WRITABLE, Connections
from scoring_server.runtime.front.framing import Progress
from scoring_server.runtime.front.listeners import Accepted, Listeners, NoDescriptors
from scoring_server.runtime.front.patience import longest_idle, stalled_body, unread_answers
from scoring_server.runtime.front.refusals import Refusals
from scoring_server.runtime.front.waits import Waits

_TICK_SECONDS: Final = 1.0
_ACCEPTED_AT_ONCE: Final = 64
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Worker(GunicornWorker):  # type: ignore[misc]  # gunicorn has no annotations
    """Serves whoever got through to the socket, and refuses at once what there is no place for."""

    alive: bool
    slot: int  # of app.shares; set by the master

    def run(self) -> None:
        """Until SIGTERM; then until what was accepted is answered, within the grace period."""
        self._settings: limits.FrontSettings = self.app.front
        self._connections = Connections()
        self._waits = Waits(self._wake)
        self._answerers = Answerers(
            self._settings, self._connections, self.wsgi, self.cfg, lambda: self.alive, self._waits
        )
        self._refusals = Refusals()
        self._refused = 0
        self._next_tick = 0.0
        sys.setswitchinterval(limits.SWITCH_SECONDS)
        self._answerers.start()
        poller = self._connections.poller
        poller.register(self.PIPE[0], select.EPOLLIN)  # signals, and _wake
        self._listeners = Listeners(self.sockets, poller, self.app.shares, self.slot)
        while self.alive and self.ppid == os.getppid():
            self._turn()
        self.alive = False
        self._stop_listening()
        end = time.monotonic() + self.cfg.graceful_timeout
        while self._connections and time.monotonic() < end:
            self._turn()
        self._give_up_the_rest()

    def _wake(self) -> None:
        """Let the main thread take a turn; every thread may."""
        with contextlib.suppress(BlockingIOError):  # it is full: that thread will wake
            os.write(self.PIPE[1], b".")

    def _turn(self) -> None:
        """Wait for something to happen, and do what it asks for."""
        seconds = min(_TICK_SECONDS, self._waits.seconds_left())
        seconds = self._listeners.seconds_left_to_others(len(self._connections), seconds)
        if self._answerers.has_at_hand:
            seconds = 0.0
        happened = self._connections.poller.poll(seconds)
        begin = time.monotonic()
        for fd, events in happened:
            if (connection := self._connections.get(fd)) is not None:
                self._happened(connection, events)
            elif fd in self._listeners:
                self._accept(fd)
            elif fd == self.PIPE[0]:
                with contextlib.suppress(BlockingIOError):
                    os.read(fd, 4096)
        self._waits.expire()
        # As long as reading and refusing took: a flood of requests that are refused leaves half of
        # the time to those that were taken.
        self._answerers.answer_at_hand(time.monotonic() - begin)
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + _TICK_SECONDS
            self.notify()
            self._expire(now)
            self._tell_refused()

    def _accept(self, fd: int) -> None:
        """Take the connections that wait, up to a number: a turn may be long."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted = self._listeners.accept(fd, len(self._connections))
            except NoDescriptors:
                self._make_room()
                return
            if accepted is None:
                return
            self._begin(accepted)

    def _begin(self, accepted: Accepted) -> None:
        if len(self._connections) >= self._settings.connections:
            self._make_room()
        connection = Connection(*accepted, self._settings.max_body_bytes)
        connection.deadline = connection.progress + self._idle_seconds
        self._connections.add(connection)
        self._receive(connection)

    def _happened(self, connection: Connection, events: int) -> None:
        state = connection.state
        if state is State.BUSY:  # an event from before it was handed over
            return
        if state is State.WRITING:
            self._write(connection)
        elif state is State.CLOSING:
            if connection.drop():
                self._connections.arm(connection, READABLE)
            else:
                self._connections.close(connection)
        elif events & select.EPOLLOUT:  # handed back with bytes that have come already
            self._advance(connection)
        else:
            self._receive(connection)

    def _receive(self, connection: Connection) -> None:
        before = len(connection.inbox)
        try:
            received = connection.receive()
        except OSError:
            self._connections.close(connection)
            return
        if received is None:
            self._connections.arm(connection, READABLE)
        elif received:
            connection.progress = time.monotonic()
            if connection.state is State.READING:
                self._connections.held_bytes += len(connection.inbox) - before
            self._advance(connection)
        elif connection.inbox.head:
            connection.inbox.give_up()  # the app says what is missing
            self._advance(connection)
        else:
            self._connections.close(connection)

    def _advance(self, connection: Connection) -> None:
        """See how much of a request is there, and what to do about it."""
        inbox = connection.inbox
        progress = inbox.look()
        begins = bool(inbox.head) and not inbox.noticed
        if begins:
            inbox.noticed = True
            connection.arrived = connection.progress
        if progress is Progress.WHOLE:
            self._connections.end_reading(connection)
            if not self._answerers.take(connection):
                self._refuse(connection)
        elif progress is Progress.NOTHING:
            connection.state = State.IDLE
            connection.deadline = time.monotonic() + self._idle_seconds
            self._connections.arm(connection, READABLE)
        elif progress is Progress.TOO_LONG:
            self._last_words(connection, error_answer(parse_errors.LimitRequestHeaders("too long")))
        elif begins and inbox.is_post and self._answerers.is_full:
            self._refuse_rest(connection)
        else:
            if begins and b"\r\nexpect:" in inbox.head:
                with contextlib.suppress(OSError):
                    connection.sock.send(_CONTINUE)
            self._await_rest(connection)

    def _await_rest(self, connection: Connection) -> None:
        """Of a request, for so long and while there is room for it."""
        if connection.state is not State.READING:
            self._connections.begin_reading(connection)
            connection.deadline = connection.progress + limits.HEAD_SECONDS
        if connection.inbox.head:
            connection.deadline = connection.arrived + self._settings.client_seconds
        if self._connections.held_bytes > self._settings.held_bytes:
            slow = stalled_body(self._connections.all())
            if slow is not None:
                self._refuse_rest(slow)
        if connection.state is State.READING:
            self._connections.arm(connection, READABLE)

    def _refuse(self, connection: Connection) -> None:
        """Answer a whole request that there is no place for, without parsing it."""
        self._refused += 1
        inbox = connection.inbox
        keep = self.alive and b" http/1.1\r\n" in inbox.head and b"close" not in inbox.head
        answer = self._refusals.answer(inbox.head, keep=keep)
        inbox.take()
        if not keep:
            self._last_words(connection, answer)
            return
        try:
            connection.send(answer)
        except OSError:
            connection.outgoing = answer
        if connection.outgoing:  # it takes not even this much
            self._connections.close(connection)
            return
        connection.state = State.IDLE
        connection.deadline = time.monotonic() + self._idle_seconds
        self._connections.arm(connection, WRITABLE if inbox else READABLE)

    def _refuse_rest(self, connection: Connection) -> None:
        """Refuse a request of which a part has come, and read no more of it."""
        self._refused += 1
        self._last_words(connection, self._refusals.answer(connection.inbox.head, keep=False))

    def _last_words(self, connection: Connection, answer: bytes) -> None:
        self._connections.end_reading(connection)
        try:
            connection.send(answer)
        except OSError:
            self._connections.close(connection)
            return
        self._connections.begin_closing(connection)

    def _write(self, connection: Connection) -> None:
        """Send more of an answer."""
        before = len(connection.outgoing)
        try:
            connection.send(connection.outgoing)
        except OSError:
            self._connections.close(connection)
            return
        if len(connection.outgoing) < before:
            connection.progress = time.monotonic()
        if connection.outgoing:
            self._connections.arm(connection, WRITABLE)
        elif connection.keep:
            connection.state = State.IDLE
            self._advance(connection)
        else:
            self._connections.begin_closing(connection)

    def _expire(self, now: float) -> None:
        """End what takes too long, and what holds too much."""
        connections = self._connections.all()
        for connection in connections:
            if connection.state is State.BUSY or connection.deadline > now:
                continue
            if connection.state is State.READING:
                status = HTTPStatus.REQUEST_TIMEOUT
                answer = closing_answer(status, "slow_request", "the request came too slowly")
                self._last_words(connection, answer)
            else:
                self._connections.close(connection)
        for connection in unread_answers(connections, self._settings.held_bytes):
            self._connections.close(connection)

    def _make_room(self) -> None:
        for connection in longest_idle(self._connections.all()):
            self._connections.close(connection)

    def _tell_refused(self) -> None:
        if self._refused:
            count, self._refused = self._refused, 0
            self._settings.refused(count)

    def _stop_listening(self) -> None:
        for accepted in self._listeners.stop():
            self._begin(accepted)
        soon = time.monotonic() + limits.STOPPING_IDLE_SECONDS
        for connection in self._connections.all():
            if connection.state is State.IDLE:
                connection.deadline = min(connection.deadline, soon)

    def _give_up_the_rest(self) -> None:
        for connection in self._connections.all():
            if connection.state is State.READING:
                status = HTTPStatus.SERVICE_UNAVAILABLE
                answer = closing_answer(status, "stopping", "the server is stopping: try again")
                self._last_words(connection, answer)
        self._tell_refused()

    @property
    def _idle_seconds(self) -> float:
        return limits.IDLE_SECONDS if self.alive else limits.STOPPING_IDLE_SECONDS
