"""The proxy against a small server in place of the API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web

from tests.faults.actions import (
    Action,
    Answer,
    Cut,
    CutBody,
    Drop,
    Error,
    EventAction,
    Kill,
    Late,
    LoseReply,
    Meanwhile,
    Twice,
)
from tests.faults.proxy import FaultProxy
from tests.faults.streams import EVERYTHING

DEPLOYMENTS = "/apis/apps/v1/namespaces/ml/deployments"
EVENTS = ("a", "b", "c")


@dataclass
class World:
    """A server that keeps what arrives, and a proxy in front of it."""

    proxy: FaultProxy
    session: aiohttp.ClientSession
    seen: list[str] = field(default_factory=list)

    async def call(self, method: str, path: str) -> tuple[int, str]:
        async with self.session.request(method, path) as response:
            return response.status, await response.text()

    async def watch(self, count: int) -> list[str]:
        """The names in so many events; fewer if the watch ends."""
        names: list[str] = []
        async with self.session.get(f"{DEPLOYMENTS}?watch=true") as response:
            async for line in response.content:
                event = json.loads(line)
                names.append(event["object"].get("metadata", {}).get("name") or event["type"])
                if len(names) == count:
                    break
        return names


def event(name: str) -> bytes:
    found = {"type": "MODIFIED", "object": {"metadata": {"name": name, "resourceVersion": "1"}}}
    return json.dumps(found).encode() + b"\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    seen: list[str] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        seen.append(f"{request.method} {request.path_qs}")
        if "slow" in request.query:
            await asyncio.sleep(0.5)
        if "watch" not in request.query:
            return web.json_response({"items": ["x" * 1000]})
        response = web.StreamResponse()
        await response.prepare(request)
        for name in EVENTS:
            await response.write(event(name))
        await asyncio.sleep(30)
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    entry = {"name": "x"}
    kubeconfig = tmp_path / "kubeconfig"
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "current-context": "x",
                "clusters": [{**entry, "cluster": {"server": url}}],
                "users": [{**entry, "user": {}}],
                "contexts": [{**entry, "context": {"cluster": "x", "user": "x"}}],
            }
        )
    )
    with FaultProxy(kubeconfig) as proxy:
        there = yaml.safe_load(proxy.write_kubeconfig(tmp_path / "there").read_text())
        base = there["clusters"][0]["cluster"]["server"]
        async with aiohttp.ClientSession(base) as session:
            yield World(proxy, session, seen)
    await runner.cleanup()


def always(action: Action) -> Callable[[object], Action]:
    return lambda call: action


def at_b(action: EventAction) -> Callable[[object], EventAction | None]:
    return lambda event: action if getattr(event, "name", "") == "b" else None


async def test_without_faults_it_is_transparent_and_counts(world: World) -> None:
    assert (await world.call("GET", f"{DEPLOYMENTS}?limit=5"))[0] == 200
    assert (await world.call("PATCH", f"{DEPLOYMENTS}/faq"))[0] == 200
    assert await world.watch(3) == list(EVENTS)
    assert [call.verb for call in world.proxy.calls] == ["list", "patch", "watch"]
    assert [call.write for call in world.proxy.calls] == [0, 1, 0]
    assert [(event.what, event.name) for event in world.proxy.streams.seen] == [
        ("MODIFIED deployments", name) for name in EVENTS
    ]


async def test_an_answer_comes_in_the_servers_place(world: World) -> None:
    world.proxy.decide = always(Answer(429, retry_after=7))
    async with world.session.get(DEPLOYMENTS) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert world.seen == []


async def test_a_lost_reply_is_of_something_that_was_done(world: World) -> None:
    world.proxy.decide = always(LoseReply())
    with pytest.raises(aiohttp.ClientError):
        await world.call("POST", DEPLOYMENTS)
    assert world.seen


async def test_what_is_under_way_is_done_though_the_operator_is_gone(world: World) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await world.call("PATCH", f"{DEPLOYMENTS}/faq?slow=yes")
    (call,) = world.proxy.calls
    async with asyncio.timeout(30):
        while not call.code:
            await asyncio.sleep(0.05)
    assert call.code == 200


async def test_a_body_breaks_off(world: World) -> None:
    world.proxy.decide = always(CutBody())
    with pytest.raises(aiohttp.ClientPayloadError):
        await world.call("GET", DEPLOYMENTS)


@pytest.mark.parametrize("after", [False, True])
async def test_the_operator_is_killed_before_or_after_the_write(world: World, after: bool) -> None:
    killed: list[int] = []
    world.proxy.kill = lambda: killed.append(len(world.seen))
    world.proxy.decide = always(Kill(after))
    with pytest.raises(aiohttp.ClientError):
        await world.call("PATCH", f"{DEPLOYMENTS}/faq")
    assert killed == [len(world.seen)] == [int(after)]


@pytest.mark.parametrize("after", [False, True])
async def test_something_happens_during_a_call(world: World, after: bool) -> None:
    happened: list[int] = []
    world.proxy.decide = always(Meanwhile(lambda: happened.append(len(world.seen)), after))
    assert (await world.call("GET", DEPLOYMENTS))[0] == 200
    assert happened == [int(after)]


@pytest.mark.parametrize(
    ("action", "names"),
    [
        (Drop(), ["a", "c"]),
        (Late(0.3), ["a", "c", "b"]),
        (Twice(0.3), ["a", "b", "c", "b"]),
        (Error(410), ["a", "ERROR"]),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_an_event_is_distorted(world: World, action: EventAction, names: list[str]) -> None:
    world.proxy.streams.decide = at_b(action)
    assert await world.watch(len(names)) == names


async def test_a_watch_breaks_in_the_middle_of_an_event(world: World) -> None:
    world.proxy.streams.decide = at_b(Cut())
    with pytest.raises((aiohttp.ClientError, json.JSONDecodeError)):
        await world.watch(3)


async def test_a_connection_is_free_after_an_error_event(world: World) -> None:
    world.proxy.streams.decide = at_b(Error(410))
    assert await world.watch(9) == ["a", "ERROR"], "the watch ends"
    assert (await asyncio.wait_for(world.call("GET", DEPLOYMENTS), 5))[0] == 200


async def test_events_are_held_and_released(world: World) -> None:
    world.proxy.hold(EVERYTHING)
    watching = asyncio.create_task(world.watch(3))
    done, _ = await asyncio.wait({watching}, timeout=0.3)
    assert not done
    world.proxy.hold("")
    assert await asyncio.wait_for(watching, 5) == list(EVENTS)


async def test_lists_are_of_the_past(world: World) -> None:
    world.proxy.stale = 42
    await world.call("GET", f"{DEPLOYMENTS}?limit=1")
    await world.call("GET", f"{DEPLOYMENTS}?limit=1&continue=next")
    await world.call("GET", f"{DEPLOYMENTS}/faq")
    stale = "&resourceVersion=42&resourceVersionMatch=Exact"
    assert world.seen == [
        f"GET {DEPLOYMENTS}?limit=1{stale}",
        f"GET {DEPLOYMENTS}?limit=1&continue=next",
        f"GET {DEPLOYMENTS}/faq",
    ]
