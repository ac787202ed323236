"""What the requests of the watching session show: whole lists, and each watch's pulse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from scoring_operator.api import LABEL_NAME
from scoring_operator.controller.intake import Intake
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Key, Store
from scoring_operator.kube import ResourceType
from scoring_operator.wiring.watches import GIVE_UP_SECONDS, WATCH_SECONDS, Watches

DEPLOYMENTS = ResourceType("apps/v1", "Deployment", "deployments")
SERVICES = ResourceType("v1", "Service", "services")
KEY = ("ml", "faq")


class World:
    """Watches over a store and a queue, an HTTP server, and a clock."""

    def __init__(self, namespaces: tuple[str | None, ...] = (None,)) -> None:
        self.now = 0.0
        self.store = Store()
        self.queue: WorkQueue[Key] = WorkQueue()
        self.seen: list[tuple[str, str, int]] = []
        self.pages: list[dict[str, Any]] = []
        self.watches = Watches(
            [DEPLOYMENTS, SERVICES],
            namespaces,
            Intake(self.store, self.queue),
            lambda verb, resource, code, _: self.seen.append((verb, resource, code)),
            clock=lambda: self.now,
        )

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response(self.pages.pop(0))
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b'{"type":"BOOKMARK"}\n')
        await stream.write_eof()
        return stream

    @asynccontextmanager
    async def session(self) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.serve)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(middlewares=[self.watches]) as session:
            yield session, url
        await runner.cleanup()

    async def list(
        self, resource: ResourceType, *pages: dict[str, Any], namespace: str | None = None
    ) -> list[Any]:
        """Read a list page by page, as kopf does; what kopf gets to see."""
        self.pages = list(pages)
        got = []
        async with self.session() as (session, url):
            token = ""
            for _ in pages:
                query = {"continue": token} if token else {}
                async with session.get(url + resource.path(namespace), params=query) as response:
                    got.append(await response.json())
                    token = got[-1]["metadata"].get("continue", "")
        return got


def deployment(name: str, version: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ml", "uid": f"u-{name}", "labels": {LABEL_NAME: "faq"}}
    return {"metadata": {**metadata, "resourceVersion": str(version)}, "spec": {}}


def page(*items: dict[str, Any], version: int = 50, token: str = "") -> dict[str, Any]:
    metadata = {"resourceVersion": str(version), **({"continue": token} if token else {})}
    return {"kind": "DeploymentList", "metadata": metadata, "items": list(items)}


async def test_a_list_fills_the_store_and_reaches_its_reader_unharmed() -> None:
    world = World()
    (got,) = await world.list(DEPLOYMENTS, page(deployment("faq", 10)))
    assert got["items"][0]["metadata"]["name"] == "faq"
    assert set(world.store.children(KEY)) == {("Deployment", "faq")}
    assert world.seen == [("list", "deployments", 200)]


async def test_synced_is_when_each_kind_has_been_listed() -> None:
    world = World()
    await world.list(DEPLOYMENTS, page())
    assert not world.watches.synced
    await world.list(SERVICES, page())
    assert world.watches.synced


async def test_synced_is_when_each_namespace_has_been_listed() -> None:
    world = World(namespaces=("a", "b"))
    for resource in (DEPLOYMENTS, SERVICES):
        await world.list(resource, page(), namespace="a")
    assert not world.watches.synced
    for resource in (DEPLOYMENTS, SERVICES):
        await world.list(resource, page(), namespace="b")
    assert world.watches.synced


async def test_a_new_list_tells_what_vanished_meanwhile() -> None:
    world = World()
    await world.list(DEPLOYMENTS, page(deployment("faq", 10), deployment("other", 11)))
    await world.list(DEPLOYMENTS, page(deployment("faq", 10), version=60))
    assert set(world.store.children(KEY)) == {("Deployment", "faq")}
    assert await world.queue.get() == KEY


async def test_a_list_in_pages_is_complete_only_with_the_last_one() -> None:
    world = World()
    first = page(deployment("faq", 10), token="more")
    await world.list(DEPLOYMENTS, first, page(deployment("other", 11)))
    assert len(world.store.children(KEY)) == 2
    await world.list(DEPLOYMENTS, page(deployment("faq", 10), token="more", version=60))
    assert len(world.store.children(KEY)) == 2, "the second page may have it"


async def test_a_watch_that_opens_or_speaks_is_alive() -> None:
    world = World(namespaces=(None,))
    world.now = 100
    assert world.watches.silent_for() == 100
    async with world.session() as (session, url):
        for resource in (DEPLOYMENTS, SERVICES):
            async with session.get(url + resource.path(None), params={"watch": "true"}) as response:
                assert b"BOOKMARK" in await response.read()
    assert world.watches.silent_for() == 0
    world.now = 130
    assert world.watches.silent_for() == 30


class Silent(World):
    """A server whose watches open and say nothing; they end when the reader has had enough."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        if request.query["watch"] == "speaks":
            await stream.write(b'{"type":"BOOKMARK"}\n')
        await stream.write_eof()
        return stream


async def watch(world: World, seconds: float, kind: str = "silent") -> None:
    """All watches, each open for some seconds."""
    async with world.session() as (session, url):
        for resource in (DEPLOYMENTS, SERVICES):
            async with session.get(url + resource.path(None), params={"watch": kind}) as response:
                await response.read()
    world.now += seconds


async def test_a_watch_that_opens_after_one_that_was_given_up_is_no_sign_of_life() -> None:
    world = Silent()
    await watch(world, GIVE_UP_SECONDS)
    assert world.watches.silent_for() == GIVE_UP_SECONDS
    await watch(world, GIVE_UP_SECONDS)
    assert world.watches.silent_for() == 2 * GIVE_UP_SECONDS, "up, and blind"


async def test_a_watch_in_which_nothing_happens_is_alive_if_it_ends_by_itself() -> None:
    world = Silent()
    for _ in range(9):
        await watch(world, WATCH_SECONDS)
        assert world.watches.silent_for() == WATCH_SECONDS


@pytest.mark.parametrize(("seconds", "kind"), [(WATCH_SECONDS, "silent"), (5, "speaks")])
async def test_after_a_silent_watch_one_that_works_is_believed(seconds: float, kind: str) -> None:
    world = Silent()
    await watch(world, GIVE_UP_SECONDS)
    await watch(world, seconds, kind)
    await watch(world, 1)
    assert world.watches.silent_for() <= 1 + seconds


async def test_the_most_silent_watch_counts() -> None:
    world = World()
    world.now = 100
    await world.list(DEPLOYMENTS, page())
    assert world.watches.silent_for() == 100


async def test_a_request_that_fails_is_no_sign_of_life() -> None:
    world = World()
    world.now = 100
    async with aiohttp.ClientSession(middlewares=[world.watches]) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get("http://127.0.0.1:9" + DEPLOYMENTS.path(None))
    assert world.seen == [("list", "deployments", 0)]
    assert world.watches.silent_for() == 100


async def test_a_kind_that_comes_later_is_told_once_it_is_listed_everywhere() -> None:
    world = World(namespaces=("a", "b"))
    told = []
    routes = ResourceType("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
    world.watches.add(routes, lambda: told.append(set(world.store.children(KEY))))
    route = deployment("faq", 10)
    await world.list(routes, page(route), namespace="a")
    assert told == []
    await world.list(routes, page(), namespace="b")
    assert told == [{("HTTPRoute", "faq")}], "what was listed is known by then"
    await world.list(routes, page(), namespace="b")
    assert len(told) == 1


async def test_a_kind_that_is_gone_counts_no_more() -> None:
    world = World()
    world.now = 100
    await world.list(DEPLOYMENTS, page())
    world.watches.remove(SERVICES)
    assert world.watches.silent_for() == 0
    assert world.watches.synced
    world.watches.add(SERVICES)
    assert world.watches.synced, "what comes later does not undo it"
    world.now = 130
    assert world.watches.silent_for() == 30, "and is expected to give signs of life like any"
