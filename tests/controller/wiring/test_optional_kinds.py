"""Kinds that come and go while the process runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from scoring_operator.controller.intake import Intake
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Key, Store
from scoring_operator.kube import NotFound, ResourceType, Unreachable
from scoring_operator.wiring.informers import IntakeFailed
from scoring_operator.wiring.optional_kinds import OptionalKinds
from scoring_operator.wiring.watches import Watches

ROUTES = ResourceType("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
CERTIFICATES = ResourceType("cert-manager.io/v1", "Certificate", "certificates")
KINDS = (ROUTES, CERTIFICATES)


class World:
    """A cluster that serves what it is told, and watches that last until the test ends them."""

    def __init__(self) -> None:
        self.served: set[ResourceType] = set()
        self.groups: set[str] | None = None  # None: those of what is served
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.running: dict[ResourceType, asyncio.Future[None]] = {}
        self.changes: list[tuple[str, bool]] = []
        queue: WorkQueue[Key] = WorkQueue()
        self.watches = Watches([], [None], Intake(Store(), queue), lambda *_: None)
        self.optional = OptionalKinds(
            KINDS,
            self,
            self.watches,
            self.watch,
            lambda kind, there: self.changes.append((kind, there)),
            poll_seconds=0.001,
        )

    async def group_versions(self) -> frozenset[str]:
        self.asked.append("groups")
        if self.failure is not None:
            raise self.failure
        served = {kind.api_version for kind in self.served}
        return frozenset(served if self.groups is None else self.groups)

    async def discover(self, resource: ResourceType) -> bool:
        self.asked.append(resource.kind)
        if resource.api_version not in {kind.api_version for kind in self.served}:
            raise NotFound("the group has gone")
        return resource in self.served

    async def watch(self, kind: ResourceType) -> None:
        self.running[kind] = asyncio.get_running_loop().create_future()
        try:
            await self.running[kind]
        finally:
            del self.running[kind]

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[asyncio.Task[None]]:
        await self.optional.discover()
        task = asyncio.create_task(self.optional.run())
        await self.until(lambda: self.running.keys() == self.served)
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert self.running == {}, "nothing is watched after the end"

    async def until(self, check: object) -> None:
        assert callable(check)
        async with asyncio.timeout(60):
            while not check():
                await asyncio.sleep(0.001)


async def test_what_is_there_at_the_start_must_be_listed_before_the_process_is_ready() -> None:
    world = World()
    assert world.watches.synced
    world = World()
    world.served = {ROUTES}
    await world.optional.discover()
    assert not world.watches.synced


async def test_a_kind_that_comes_later_is_watched_and_does_not_make_the_process_unready() -> None:
    world = World()
    async with world.run():
        assert world.watches.synced
        world.served = {CERTIFICATES}
        await world.until(lambda: CERTIFICATES in world.running)
        assert world.watches.synced
        assert world.watches.silent_for() < 60
        assert world.changes == [], "its objects are not known yet"


async def test_a_kind_that_goes_is_watched_no_longer_and_its_silence_is_no_sign() -> None:
    world = World()
    world.served = {ROUTES}
    async with world.run():
        world.served = set()
        await world.until(lambda: ROUTES not in world.running)
        assert world.changes == [("HTTPRoute", False)]
        world.served = {ROUTES}
        await world.until(lambda: ROUTES in world.running)


async def test_at_rest_there_is_one_small_request_a_time() -> None:
    world = World()
    world.served = {ROUTES}
    async with world.run():
        world.asked.clear()
        await world.until(lambda: len(world.asked) >= 3)
        assert set(world.asked) == {"groups"}


async def test_a_group_without_the_kind_is_asked_for_it_and_may_go_meanwhile() -> None:
    world = World()
    world.groups = {ROUTES.api_version}
    await world.optional.discover()
    assert world.asked == ["groups", "HTTPRoute"]
    assert world.watches.synced


async def test_a_watch_that_fails_is_begun_anew_and_others_go_on() -> None:
    world = World()
    world.served = {ROUTES, CERTIFICATES}
    async with world.run():
        first, other = world.running[ROUTES], world.running[CERTIFICATES]
        first.set_exception(RuntimeError("forbidden"))
        await world.until(lambda: world.running.get(ROUTES) not in (None, first))
        assert world.running[CERTIFICATES] is other
        assert world.changes == [("HTTPRoute", False)]


async def test_what_is_known_stands_while_the_api_server_does_not_answer() -> None:
    world = World()
    world.served = {ROUTES}
    async with world.run():
        world.failure = Unreachable("refused")
        world.asked.clear()
        await world.until(lambda: len(world.asked) >= 3)
        assert ROUTES in world.running
        assert world.changes == []


async def test_an_event_that_was_not_understood_ends_everything() -> None:
    world = World()
    world.served = {ROUTES, CERTIFICATES}
    async with world.run() as task:
        world.running[ROUTES].set_exception(IntakeFailed("a surprise"))
        with pytest.raises(ExceptionGroup, match="unhandled"):
            await task
