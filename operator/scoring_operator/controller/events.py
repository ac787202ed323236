"""Kubernetes Events, posted in the background: none ever fails a look, or holds it up."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from scoring_operator.api import API_VERSION, GROUP, KIND
from scoring_operator.controller.objects import metadata
from scoring_operator.kube import ApiError, Client, ResourceType
from scoring_operator.status import Transition

EVENTS: Final = ResourceType("events.k8s.io/v1", "Event", "events")
REPORTING_CONTROLLER: Final = f"{GROUP}/scoring-operator"
_ACTION: Final = "Reconcile"
_MAX_INSTANCE_LENGTH: Final = 128  # the API server's limit
# About a megabyte. A thousand services that become ready at once fit.
_MAX_WAITING: Final = 1000

logger = logging.getLogger(__name__)


class EventPoster:
    """`post` from anywhere, while `run` is running."""

    def __init__(
        self,
        client: Client,
        instance: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        size: int = _MAX_WAITING,
    ) -> None:
        self._client = client
        self._instance = instance[:_MAX_INSTANCE_LENGTH]
        self._now = now
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(size)

    def post(self, resource: Mapping[str, Any], transition: Transition) -> None:
        """Put an Event about a ScoringService in the line; dropped where that is too long."""
        event = _event(resource, transition, self._instance, self._now())
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            logger.debug("an Event is dropped, too many wait: %s", transition.reason)

    async def run(self) -> None:
        """Post what waits, one after the other, without end."""
        while True:
            event = await self._waiting.get()
            try:
                await self._client.create(EVENTS, event["metadata"]["namespace"], event)
            except ApiError as error:
                logger.debug("an Event could not be posted: %s", error.message)


def _event(
    resource: Mapping[str, Any], transition: Transition, instance: str, now: datetime
) -> dict[str, Any]:
    meta = metadata(resource)
    identity = {key: meta.get(key) for key in ("namespace", "name", "uid", "resourceVersion")}
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {
            "name": f"{meta['name']}.{uuid.uuid4().hex[:16]}",
            "namespace": meta["namespace"],
        },
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": REPORTING_CONTROLLER,
        "reportingInstance": instance,
        "action": _ACTION,
        "reason": transition.reason,
        "type": transition.type,
        "note": transition.note,
        "regarding": {"apiVersion": API_VERSION, "kind": KIND, **identity},
    }
