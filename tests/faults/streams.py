"""Watches on their way from the API server to the operator, event by event."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from tests.faults.actions import (
    Cut,
    Drop,
    Error,
    EventAction,
    Late,
    Silence,
    Twice,
    failure,
)
from tests.faults.calls import Call

EXPIRED = 410
EVERYTHING = "*"
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Event:
    """An event of a watch as the proxy saw it, bookmarks aside."""

    number: int
    """Counts all events, from 1."""
    type: str
    """ADDED, MODIFIED, DELETED or ERROR."""
    resource: str
    """Plural name."""
    name: str
    version: str

    @property
    def what(self) -> str:
        """The event in words: `MODIFIED deployments`."""
        return f"{self.type} {self.resource}"


DecideEvent = Callable[[Event], EventAction | None]


class Streams:
    """The open watches; its methods are for the proxy's event loop."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.decide: DecideEvent = lambda event: None
        self._open: set[_Outlet] = set()
        self.held = ""
        """The plural whose events pile up here, or EVERYTHING."""

    async def end(self, code: int = EXPIRED) -> None:
        """End all watches with an ERROR event; after 410 the operator lists anew."""
        for outlet in list(self._open):
            await outlet.error(code)

    async def cut(self) -> None:
        """Break the connection of each watch."""
        for outlet in list(self._open):
            outlet.abort()

    async def silence(self) -> None:
        """Let the open watches say nothing more, and stay open; new ones work."""
        for outlet in self._open:
            outlet.muted = True

    async def carry(
        self, call: Call, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        """Hand a watch's events on as they come."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        try:
            await response.prepare(request)
        except ConnectionError:  # the operator has gone meanwhile
            return response
        outlet = _Outlet(response, request)
        self._open.add(outlet)
        outlet.pump = asyncio.create_task(self._pump(call, answer, outlet))
        try:
            await asyncio.wait({outlet.pump})
            if outlet.muted:  # nor does it end
                await asyncio.Event().wait()
        finally:
            outlet.close()
            self._open.discard(outlet)
        return response

    async def _pump(self, call: Call, answer: aiohttp.ClientResponse, outlet: _Outlet) -> None:
        with contextlib.suppress(ConnectionError):  # the operator may go meanwhile
            async for line in _lines(answer.content):
                await self._flow(call)
                await self._hand_on(call, line, outlet)
                if outlet.ended:
                    return
            await self._flow(call)

    async def _flow(self, call: Call) -> None:
        """Wait while the call's events are held."""
        while self.held in (EVERYTHING, call.resource):
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _hand_on(self, call: Call, line: bytes, outlet: _Outlet) -> None:
        event = self._event(call, line)
        if event is None:
            await outlet.write(line)
            return
        self.seen.append(event)
        match self.decide(event):
            case Drop():
                pass
            case Late(seconds):
                outlet.write_later(line, seconds)
            case Twice(seconds):
                await outlet.write(line)
                outlet.write_later(line, seconds)
            case Error(code):
                await outlet.error(code)
            case Cut():
                await outlet.write(line[: len(line) // 2])
                outlet.abort()
            case Silence():
                await asyncio.Event().wait()
            case None:
                await outlet.write(line)

    def _event(self, call: Call, line: bytes) -> Event | None:
        parsed = json.loads(line)
        if parsed["type"] == "BOOKMARK":
            return None
        meta = parsed["object"].get("metadata") or {}
        return Event(
            len(self.seen) + 1,
            parsed["type"],
            call.resource,
            meta.get("name", ""),
            meta.get("resourceVersion", ""),
        )


class _Outlet:
    """The operator's end of one watch."""

    def __init__(self, response: web.StreamResponse, request: web.Request) -> None:
        self._response = response
        self._request = request
        self._later: set[asyncio.Task[None]] = set()
        self.ended = False
        self.muted = False
        self.pump: asyncio.Task[None] | None = None

    async def write(self, line: bytes) -> None:
        if not self.ended and not self.muted:
            await self._response.write(line)

    def write_later(self, line: bytes, seconds: float) -> None:
        async def write() -> None:
            await asyncio.sleep(seconds)
            with contextlib.suppress(ConnectionError):
                await self.write(line)

        self._later.add(asyncio.create_task(write()))

    async def error(self, code: int) -> None:
        event = {"type": "ERROR", "object": failure(code)}
        with contextlib.suppress(ConnectionError):
            await self.write(json.dumps(event).encode() + b"\n")
            await self._response.write_eof()
        self._end()

    def abort(self) -> None:
        self._end()
        if self._request.transport is not None:
            self._request.transport.abort()

    def close(self) -> None:
        self._end()
        for task in self._later:
            task.cancel()

    def _end(self) -> None:
        """Let the handler return: only then the connection is free for another request."""
        self.ended = True
        if self.pump is not None and self.pump is not asyncio.current_task():
            self.pump.cancel()


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Whole lines: the reader's own limit on a line is too small for an object."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
