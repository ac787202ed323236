"""An HTTP proxy between the operator and a real API server that does what networks and servers do.

Plain HTTP to the operator, by a kubeconfig of its own; the login of the given kubeconfig behind.
It runs in a thread, in which `decide` is called, one call at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

import aiohttp
import yaml
from aiohttp import web

from scoring_operator.kube.kubeconfig import from_kubeconfig
from tests.faults.actions import Action, Answer, CutBody, Hang, Kill, LoseReply
from tests.faults.calls import Call, counts_as_write, parse

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
        self._writes = 0

    def writes(self) -> list[Call]:
        """The writes so far."""
        return [call for call in self.calls if call.write]

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
            return web.json_response(action.body, status=action.code, headers=headers)
        if isinstance(action, Hang):
            await asyncio.sleep(action.seconds)
            return _broken(request)
        if isinstance(action, Kill) and not action.after:
            self.kill()
            return _broken(request)
        async with await self._forward(request) as answer:
            call.code = answer.status
            if call.verb == "watch" and answer.status == 200:
                return await _stream(request, answer)
            body = await answer.read()
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

    async def _forward(self, request: web.Request) -> aiohttp.ClientResponse:
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        authorization = self._credentials.authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        return await self._session.request(
            request.method,
            self._credentials.server + request.path_qs,
            data=await request.read() or None,
            headers=headers,
        )


async def _stream(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Hand a watch's events on as they come."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # the operator may go meanwhile
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    return response


def _broken(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """No answer: the connection breaks."""
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()
