"""A process ends although tasks that were left behind take a cancellation for something else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from scoring_operator.controller.intake import Intake
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Key, Store
from scoring_operator.kube import Credentials, ResourceType
from scoring_operator.wiring.ending import end_all_others
from scoring_operator.wiring.informers import Informers
from scoring_operator.wiring.watches import Watches

PODS = ResourceType("v1", "Pod", "pods")
# Many: which of them mistake the cancellation is a matter of chance.
KINDS = [PODS, *(ResourceType("v1", f"Kind{number}", f"kind{number}s") for number in range(30))]
NAMESPACES = ResourceType("v1", "Namespace", "namespaces")  # kopf looks for it
ERROR = {"type": "ERROR", "object": {"kind": "Status", "code": 504, "message": "too late"}}


async def stubborn(cancellations: int) -> None:
    for _ in range(cancellations):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
    await asyncio.sleep(3600)


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    tasks = [asyncio.create_task(stubborn(number)) for number in range(3)]
    await asyncio.sleep(0)
    await end_all_others()
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_comes_meanwhile_is_ended_too() -> None:
    late: list[asyncio.Task[None]] = []

    async def parent() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            late.append(asyncio.create_task(stubborn(1)))

    task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    await end_all_others()
    assert task.cancelled()
    assert late[0].cancelled()


def described(kind: ResourceType) -> dict[str, object]:
    """A kind in the API server's discovery."""
    return {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "kind": kind.kind,
        "namespaced": True,
        "verbs": ["list", "watch", "patch"],
    }


class HalfBlind:
    """An API server in a thread: the watch of pods fails while the others are being opened."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._opening = asyncio.Semaphore(0)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self.url = ""

    def __enter__(self) -> HalfBlind:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _run(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        plural = request.path.rpartition("/")[2]
        if "watch" not in request.query:
            return web.json_response(self._lists(request.path))
        if plural != PODS.plural:
            self._opening.release()
            await self._stop.wait()
        for _ in KINDS[1:]:
            await self._opening.acquire()
        return web.Response(body=json.dumps(ERROR).encode() + b"\n")

    def _lists(self, path: str) -> object:
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/apis":
            return {"groups": []}
        if path == "/api/v1":
            return {"resources": [described(item) for item in (NAMESPACES, *KINDS)]}
        return {"metadata": {"resourceVersion": "1"}, "items": []}


@pytest.fixture
def server() -> Iterator[HalfBlind]:
    with HalfBlind() as found:
        yield found


@pytest.mark.timeout(180)
def test_a_watch_that_fails_while_others_are_opened_leaves_nothing_that_runs(
    server: HalfBlind,
) -> None:
    async def live() -> None:
        intake = Intake(Store(), WorkQueue[Key]())
        watches = Watches(KINDS, ("ml",), intake, lambda *_: None)
        credentials = Credentials(server.url, None, lambda: None)
        informers = Informers(KINDS, credentials, ("ml",), intake, watches)
        await informers.start()
        try:
            await informers.run()
        finally:
            await end_all_others()

    with pytest.raises(Exception, match="too late"):
        asyncio.run(live())
