"""Events are posted in the background, and never in anybody's way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from scoring_operator.controller.events import EVENTS, EventPoster
from scoring_operator.kube import Client, Forbidden, ResourceType
from scoring_operator.status import Transition
from tests.controller.builders import NOW, resource
from tests.controller.controller.fakes import World

READY = Transition("Normal", "AllReplicasReady", "2 of 2 replicas ready")


class FakeClient:
    """Takes Events, or fails."""

    def __init__(self) -> None:
        self.events: list[tuple[ResourceType, str | None, Mapping[str, Any]]] = []
        self.failure: Exception | None = None

    async def create(
        self, kind: ResourceType, namespace: str | None, manifest: Mapping[str, Any]
    ) -> None:
        if self.failure is not None:
            raise self.failure
        self.events.append((kind, namespace, manifest))


async def drained(poster: EventPoster) -> None:
    task = asyncio.create_task(poster.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_an_event_says_what_became_of_which_resource() -> None:
    client = FakeClient()
    poster = EventPoster(cast("Client", client), "pod-1" * 50, now=lambda: NOW)
    poster.post(resource(), READY)
    await drained(poster)
    ((kind, namespace, event),) = client.events
    assert (kind, namespace) == (EVENTS, "ml")
    assert (event["type"], event["reason"], event["note"]) == ("Normal", READY.reason, READY.note)
    assert event["regarding"]["uid"] == "0a1b"
    assert event["metadata"]["name"].startswith("faq.")
    assert event["eventTime"] == "2026-03-01T12:00:00.000000Z"
    assert len(event["reportingInstance"]) <= 128


async def test_one_that_is_refused_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    client = FakeClient()
    client.failure = Forbidden("no right to create events")
    poster = EventPoster(cast("Client", client), "pod-1")
    with caplog.at_level(logging.DEBUG):
        poster.post(resource(), READY)
        await drained(poster)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    client.failure = None
    poster.post(resource(), READY)
    await drained(poster)
    assert len(client.events) == 1


async def test_where_too_many_wait_the_newest_is_dropped_and_nobody_is_held_up() -> None:
    client = FakeClient()
    poster = EventPoster(cast("Client", client), "pod-1", size=1)
    poster.post(resource(name="first"), READY)
    poster.post(resource(name="second"), READY)
    await drained(poster)
    assert [event["regarding"]["name"] for _, _, event in client.events] == ["first"]


async def test_a_look_announces_a_new_verdict_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    stranger = {"apiVersion": "v1", "kind": "Service", "spec": {}}
    world.api.put({**stranger, "metadata": {"name": "faq", "namespace": "ml"}})
    world.user_applies(resource())
    with caplog.at_level(logging.INFO):
        await world.settle()
    ((name, news),) = world.news
    assert (name, news.reason, news.type) == ("faq", "NameConflict", "Warning")
    assert any(record.getMessage().startswith("NameConflict: ") for record in caplog.records)
    world.reconciler = world.new_reconciler()
    await world.settle()
    assert len(world.news) == 1
