"""What kopf lists and watches is taken in by us, and kopf keeps nothing of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from scoring_operator.api import LABEL_NAME
from scoring_operator.controller.intake import Intake
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Key, Store
from scoring_operator.kube import Credentials, ResourceType
from scoring_operator.wiring.ending import end_all_others
from scoring_operator.wiring.informers import Informers, IntakeFailed
from scoring_operator.wiring.watches import Watches

SERVICES = ResourceType("v1", "Service", "services")
KEY = ("ml", "faq")
LONGEST_SECONDS = 120


def service(version: int, name: str = "faq") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ml", "labels": {LABEL_NAME: "faq"}, "uid": name}
    metadata["resourceVersion"] = str(version)
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata}


class ApiServer:
    """One Service on its list; events come as they are put into `events`, None ends a watch."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.watched_from: list[str] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith(SERVICES.plural):
            return web.json_response(self._discovery(request.path))
        if "watch" not in request.query:
            items = [service(10), service(11, "other")]
            for item in items:
                del item["kind"], item["apiVersion"]
            metadata = {"resourceVersion": "20"}
            return web.json_response({"kind": "ServiceList", "metadata": metadata, "items": items})
        self.watched_from.append(request.query["resourceVersion"])
        stream = web.StreamResponse()
        await stream.prepare(request)
        while (event := await self.events.get()) is not None:
            await stream.write(json.dumps(event).encode() + b"\n")
        return stream

    @staticmethod
    def _discovery(path: str) -> object:
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/apis":
            return {"groups": []}
        kinds = {SERVICES.plural: SERVICES.kind, "namespaces": "Namespace"}  # kopf looks for both
        shared = {"singularName": "", "namespaced": True, "verbs": ["list", "watch", "patch"]}
        return {"resources": [{"name": name, "kind": kinds[name], **shared} for name in kinds]}


class World:
    """Informers at work on an API server."""

    def __init__(self, server: ApiServer, store: Store, running: asyncio.Task[None]) -> None:
        self.server, self.store, self.running = server, store, running

    def known(self) -> dict[str, str]:
        """Names and versions of the Services."""
        return {name: child.version for (_, name), child in self.store.children(KEY).items()}

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONGEST_SECONDS):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def informing() -> AsyncIterator[World]:
    server, store = ApiServer(), Store()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.serve)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    credentials = Credentials(f"http://127.0.0.1:{runner.addresses[0][1]}", None, lambda: None)
    intake = Intake(store, WorkQueue[Key]())
    watches = Watches([SERVICES], (None,), intake, lambda *_: None)
    informers = Informers([SERVICES], credentials, (), intake, watches)
    await informers.start()
    running = asyncio.create_task(informers.run())
    try:
        yield World(server, store, running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await runner.cleanup()


def lives(story: Callable[[World], Awaitable[None]]) -> None:
    """Run a story on a loop of its own, on which kopf leaves nothing behind."""

    async def run() -> None:
        try:
            async with informing() as world:
                await story(world)
        finally:
            await end_all_others()

    asyncio.run(run())


def test_objects_are_taken_in_and_kopf_has_none_to_handle(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[Any] = []

    async def handle(_: Informers, **given: Any) -> None:
        handled.append(given)

    async def story(world: World) -> None:
        await world.until(lambda: world.known() == {"faq": "10", "other": "11"})
        await world.server.events.put({"type": "MODIFIED", "object": service(21)})
        await world.server.events.put({"type": "DELETED", "object": service(22, "other")})
        await world.until(lambda: world.known() == {"faq": "21"})
        await world.server.events.put(None)
        await world.until(lambda: len(world.server.watched_from) > 1)
        assert world.server.watched_from == ["20", "22"], "it goes on where it was"
        assert not world.running.done()

    monkeypatch.setattr(Informers, "_nothing", handle)
    lives(story)
    assert handled == []


def test_an_event_that_is_not_understood_ends_the_informers() -> None:
    async def story(world: World) -> None:
        await world.until(lambda: len(world.known()) == 2)
        await world.server.events.put({"type": "ADDED", "object": {}})
        with pytest.raises(IntakeFailed):
            await asyncio.wait_for(asyncio.shield(world.running), LONGEST_SECONDS)

    lives(story)
