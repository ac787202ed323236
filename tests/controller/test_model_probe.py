"""Pods are asked for their model once, in the background, and an answer wakes the resource."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import web

from scoring_operator.controller.model_probe import ModelProbe
from tests.controller.builders import pod

KEY = ("ml", "faq")
MODEL = {"name": "faq-javascript", "digest": "sha256:1", "weights": "trained"}


def ready_pod(uid: str = "u1", created: str = "2026-03-01T11:00:00Z") -> dict[str, Any]:
    made = pod(ready=True, created=created)
    made["metadata"]["uid"] = uid
    made["status"]["podIP"] = "127.0.0.1"
    return made


@asynccontextmanager
async def server(answer: Callable[[], web.Response]) -> AsyncIterator[tuple[int, list[str]]]:
    asked: list[str] = []

    async def version(request: web.Request) -> web.Response:
        asked.append(request.path)
        return answer()

    app = web.Application()
    app.router.add_get("/version", version)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


async def asked_once(port: int, pods: list[dict[str, Any]]) -> tuple[ModelProbe, list[Any]]:
    """Ask and wait for the end of the exchange."""
    woken: list[Any] = []
    probe = ModelProbe(woken.append, port=port)
    assert probe.model(KEY, pods) is None
    async with asyncio.timeout(60):
        while probe._asking:
            await asyncio.sleep(0.01)
    return probe, woken


async def test_the_answer_wakes_the_resource_and_is_asked_for_once() -> None:
    async with server(lambda: web.json_response({"model": MODEL})) as (port, asked):
        probe, woken = await asked_once(port, [ready_pod()])
        assert woken == [KEY]
        assert probe.model(KEY, [ready_pod()]) == MODEL
        assert asked == ["/version"]


async def test_a_new_pod_is_asked_anew() -> None:
    async with server(lambda: web.json_response({"model": MODEL})) as (port, _):
        probe, _ = await asked_once(port, [ready_pod()])
        later = ready_pod("u2", created="2026-03-01T11:30:00Z")
        assert probe.model(KEY, [ready_pod(), later]) is None
        await probe.close()


async def test_a_pod_that_cannot_be_asked_wakes_nobody_and_is_left_alone() -> None:
    async with server(lambda: web.Response(status=500)) as (port, asked):
        probe, woken = await asked_once(port, [ready_pod()])
        assert woken == []
        assert probe.model(KEY, [ready_pod()]) is None
        assert asked == ["/version"]


async def test_an_answer_that_is_no_model_is_no_answer() -> None:
    for body in ("[]", "{}", "not json", '{"model": "x"}'):
        async with server(partial(web.Response, text=body)) as (port, _):
            probe, woken = await asked_once(port, [ready_pod()])
            assert woken == []
            assert probe.model(KEY, [ready_pod()]) is None


async def test_without_a_ready_pod_nobody_is_asked() -> None:
    probe = ModelProbe(lambda key: None)
    assert probe.model(KEY, [pod()]) is None
    assert not probe._asking
