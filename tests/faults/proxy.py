"""An HTTP proxy between the operator and a real API server that does what networks and servers do.

Plain HTTP to the operator, by a kubeconfig of its own; the login of the given kubeconfig behind.
It runs in a thread, in which `decide` is called, one call at a time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from scoring_operator.kube.kubeconfig import from_kubeconfig
from tests.faults.actions import (
    Action,
    Answer,
    CutBody,
    Hang,
    Kill,
    LoseReply,
    Meanwhile,
    failure,
)
from tests.faults.calls import Call, counts_as_write, parse
from tests.faults.streams import Streams

Decide = Callable[[Call], Action | None]

_FORWARDED = ("Content-Type", "Accept", "User-Agent")
_RETURNED = ("Content-Type", "Retry-After", "Warning")
_BIG = 64 * 2**20


class FaultProxy:
    """A proxy that runs while it is entered; without `decide` it is transparent."""

    def __init__(self, kubeconfig: Path) -> None:
        self._credentials = from_kubeconfig(str(kubeconfig), None)
        self.calls: list[Call] = []
        self.decide: Decide = lambda call: None
        self.kill: Callable[[], None] = lambda: None
        """Kills the operator; whoever starts one puts it here."""
        self.streams = Streams()
        self.stale: int | None = None
        """Lists are answered as they were at this resourceVersion."""
        self._writes = 0
        self._address: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self._address.result(timeout=10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=30)

    def write_kubeconfig(self, file: Path) -> Path:
        """A kubeconfig that leads here."""
        entry = {"name": "proxy"}
        file.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "proxy",
                    "clusters": [{**entry, "cluster": {"server": self._address.result()}}],
                    "users": [{**entry, "user": {}}],
                    "contexts": [{**entry, "context": {"cluster": "proxy", "user": "proxy"}}],
                }
            )
        )
        return file

    def forget(self) -> None:
        """Count from 1 again."""
        self.calls = []
        self.streams.seen = []
        self._writes = 0

    def hold(self, plural: str) -> None:
        """Hand on no event of these objects, or of EVERYTHING, until told otherwise."""
        self.streams.held = plural

    def cut_watches(self) -> None:
        """The connections of all watches break."""
        self._run(self.streams.cut())

    def silence_watches(self) -> None:
        """The open watches say nothing more."""
        self._run(self.streams.silence())

    def end_watches(self, code: int) -> None:
        """All watches end with an ERROR event; after 410 the operator lists anew."""
        self._run(self.streams.end(code))

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _serve(self) -> None:
        app = web.Application(client_max_size=_BIG)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=0.1,
        )
        tls = self._credentials.tls
        connector = aiohttp.TCPConnector(limit=0, ssl=tls if tls is not None else False)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            self._session = session
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            self._address.set_result(f"http://127.0.0.1:{port}")
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = parse(request.method, request.path, request.query, len(self.calls) + 1)
        if counts_as_write(call):
            self._writes += 1
            call.write = self._writes
        self.calls.append(call)
        action = self.decide(call)
        if isinstance(action, Answer):
            headers = {"Retry-After": str(action.retry_after)} if action.retry_after else None
            return web.json_response(failure(action.code), status=action.code, headers=headers)
        if isinstance(action, Hang):
            await asyncio.sleep(action.seconds)
            return _broken(request)
        if isinstance(action, Kill) and not action.after:
            self.kill()
            return _broken(request)
        if isinstance(action, Meanwhile) and not action.after:
            await asyncio.to_thread(action.what)
        await request.read()
        if call.verb == "watch":
            async with await self._forward(call, request) as answer:
                if answer.status == 200:
                    return await self.streams.carry(call, request, answer)
                body = await answer.read()
        else:
            # An API server does what has reached it, though the operator is killed meanwhile.
            answer, body = await asyncio.shield(self._whole(call, request))
        if isinstance(action, Meanwhile) and action.after:
            await asyncio.to_thread(action.what)
        return await self._reply(request, action, answer, body)

    async def _reply(
        self,
        request: web.Request,
        action: Action | None,
        answer: aiohttp.ClientResponse,
        body: bytes,
    ) -> web.StreamResponse:
        if isinstance(action, Kill):
            self.kill()
        if isinstance(action, Kill | LoseReply):
            return _broken(request)
        headers = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
        if isinstance(action, CutBody):
            response = web.StreamResponse(status=answer.status, headers=headers)
            response.content_length = len(body)
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            return _broken(request, response)
        return web.Response(status=answer.status, body=body, headers=headers)

    async def _whole(
        self, call: Call, request: web.Request
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        async with await self._forward(call, request) as answer:
            body = await answer.read()
        return answer, body

    async def _forward(self, call: Call, request: web.Request) -> aiohttp.ClientResponse:
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        authorization = self._credentials.authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        query = request.rel_url.raw_query_string
        listing = call.verb == "list" and call.resource
        if self.stale is not None and listing and "continue" not in request.query:
            # A later page is of the version of the first one by itself.
            query += f"&resourceVersion={self.stale}&resourceVersionMatch=Exact"
        answer = await self._session.request(
            request.method,
            URL(f"{self._credentials.server}{request.rel_url.raw_path}?{query}", encoded=True),
            data=await request.read() or None,
            headers=headers,
        )
        call.code = answer.status
        return answer


def _broken(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """No answer: the connection breaks."""
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()
