"""What kopf's requests show that its handlers do not: each list as a whole, and each watch's pulse.

kopf reports listed objects one by one and says nothing of those that a new list no longer has; and
a watch that is up and silent looks like one where nothing happens. Both can be seen on the HTTP
session that we lend to kopf.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import aiohttp

from scoring_operator.controller.intake import Intake
from scoring_operator.controller.store import Key
from scoring_operator.kube import ResourceType
from scoring_operator.kube.client import Observer

# The API server is asked to end each watch after this time: a watch that works either says
# something or ends by itself, also where nothing ever happens (a bookmark need not come then).
WATCH_SECONDS = 40
# What has done neither for so long is given up for another one.
GIVE_UP_SECONDS = 55.0
# The last byte is known as well as it is looked for, and the API server may be late.
_SURELY_GIVEN_UP_SECONDS = 47.0


@dataclass
class _Collection:
    """A kind in one namespace, or in all, that is being watched."""

    resource: ResourceType
    namespace: str | None
    alive_at: float
    listed: bool = False
    places: set[Key] = field(default_factory=set)  # of the list under way
    stream: aiohttp.StreamReader | None = None
    stream_bytes: int = 0
    opened_at: float = 0.0
    doubtful: bool = False
    """The last watch was given up: that another one opens does not say that it will speak."""


class Watches:
    """Middleware for the session that kopf uses."""

    def __init__(
        self,
        resources: Iterable[ResourceType],
        namespaces: Iterable[str | None],
        intake: Intake,
        observe: Observer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._intake = intake
        self._observe = observe
        self._clock = clock
        self._spaces = list(namespaces)
        self._collections: dict[str, _Collection] = {}
        self._on_listed: dict[ResourceType, Callable[[], None]] = {}
        self._synced = False
        for resource in resources:
            self.add(resource)

    def add(self, resource: ResourceType, on_listed: Callable[[], None] = lambda: None) -> None:
        """Look at one more kind; `on_listed` is called once, when all of it is in the store."""
        self._on_listed[resource] = on_listed
        for space in self._spaces:
            self._collections[resource.path(space)] = _Collection(resource, space, self._clock())

    def remove(self, resource: ResourceType) -> None:
        """Look at a kind no longer."""
        self._on_listed.pop(resource, None)
        for space in self._spaces:
            self._collections.pop(resource.path(space), None)

    @property
    def synced(self) -> bool:
        """Whether each collection has been listed: what is not in the store does not exist.

        Once so, it stays so: a kind that comes later is nothing that was missing until then.
        """
        self._synced = self._synced or all(item.listed for item in self._collections.values())
        return self._synced

    def silent_for(self) -> float:
        """Seconds since the most silent watch gave a sign of life.

        A watch that works gives one every 40 s at least, even if only by its end.
        """
        for collection in self._collections.values():
            self._listen(collection)
        now = self._clock()
        return max((now - item.alive_at for item in self._collections.values()), default=0.0)

    def _listen(self, collection: _Collection) -> None:
        received = 0 if collection.stream is None else collection.stream.total_bytes
        if received != collection.stream_bytes:
            collection.stream_bytes = received
            collection.alive_at = self._clock()
            collection.doubtful = False

    def _ended(self, collection: _Collection) -> None:
        """The watch so far is at its end: by itself, unless it was silent for too long."""
        if collection.stream is not None:
            self._listen(collection)
            quiet = self._clock() - max(collection.alive_at, collection.opened_at)
            collection.doubtful = quiet >= _SURELY_GIVEN_UP_SECONDS
            if not collection.doubtful:
                collection.alive_at = self._clock()
            collection.stream, collection.stream_bytes = None, 0

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Pass the request on, and look at the answer if it is a list or a watch of ours."""
        collection = self._collections.get(request.url.path)
        if collection is None:
            return await handler(request)
        watching = "watch" in request.url.query
        verb, plural = "watch" if watching else "list", collection.resource.plural
        started = self._clock()
        if watching:
            self._ended(collection)
        try:
            response = await handler(request)
        except (aiohttp.ClientError, TimeoutError):
            self._observe(verb, plural, 0, self._clock() - started)
            raise
        self._observe(verb, plural, response.status, self._clock() - started)
        if response.status == 200:
            if not (watching and collection.doubtful):
                collection.alive_at = self._clock()
            if watching:
                collection.stream, collection.stream_bytes = response.content, 0
                collection.opened_at = started
            else:
                first = "continue" not in request.url.query
                self._take_list(collection, await response.read(), first)
        return response

    def _take_list(self, collection: _Collection, body: bytes, first: bool) -> None:
        resource = collection.resource
        page = json.loads(body)
        named = {"apiVersion": resource.api_version, "kind": resource.kind}
        if first:
            collection.places = set()
        collection.places.update(
            self._intake.listed({**named, **item} for item in page.get("items") or ())
        )
        metadata = page.get("metadata") or {}
        if not metadata.get("continue"):
            version = str(metadata.get("resourceVersion", ""))
            self._intake.sweep(resource.kind, collection.namespace, collection.places, version)
            collection.places = set()
            collection.listed = True
            self._tell_listed(resource)

    def _tell_listed(self, resource: ResourceType) -> None:
        kind = (item for item in self._collections.values() if item.resource == resource)
        if all(item.listed for item in kind):
            self._on_listed.pop(resource, lambda: None)()
