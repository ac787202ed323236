"""The kinds that a cluster may lack, or get later: noticed as they come and go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from scoring_operator.kube import ApiError, NotFound, ResourceType
from scoring_operator.wiring.informers import IntakeFailed
from scoring_operator.wiring.watches import Watches

POLL_SECONDS = 15.0

logger = logging.getLogger(__name__)


class Discovery(Protocol):
    """What the API server serves (see `kube.Client`)."""

    async def group_versions(self) -> frozenset[str]:
        """The API groups, by version."""

    async def discover(self, resource: ResourceType) -> bool:
        """Whether a kind of a group's version is served."""


class OptionalKinds:
    """Follows the kinds that are there.

    `watch(kind)` watches a kind and returns only by failing. `on_change(kind, served)` is told when
    all objects of a kind are known, and when the kind is gone. `await discover()` before anything
    is watched, so that `Watches.synced` includes the kinds that are there; then `await run()`.
    """

    def __init__(
        self,
        kinds: Sequence[ResourceType],
        discovery: Discovery,
        watches: Watches,
        watch: Callable[[ResourceType], Awaitable[None]],
        on_change: Callable[[str, bool], None],
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._kinds = kinds
        self._discovery = discovery
        self._watches = watches
        self._watch = watch
        self._on_change = on_change
        self._poll_seconds = poll_seconds
        self._present: set[ResourceType] = set()
        self._tasks: dict[ResourceType, asyncio.Task[None]] = {}
        self._told: set[ResourceType] = set()  # kinds whose trouble is in the log

    async def discover(self) -> None:
        """Learn which kinds are there: one request, and one for each kind that may have come.

        Raises ApiError; what was known stands then.
        """
        versions = await self._discovery.group_versions()
        for kind in self._kinds:
            if kind.api_version not in versions:
                self._present.discard(kind)
            elif kind not in self._present and await self._is_served(kind):
                self._present.add(kind)
                self._watches.add(kind, partial(self._on_change, kind.kind, True))

    async def run(self) -> None:
        """Watch what is there, as it comes and goes; raises only what makes the store unsure."""
        async with asyncio.TaskGroup() as group:
            while True:
                for kind in self._present - self._tasks.keys():
                    self._tasks[kind] = group.create_task(self._follow(kind))
                gone = [self._tasks[kind] for kind in self._tasks.keys() - self._present]
                for task in gone:
                    task.cancel()
                await asyncio.gather(*gone, return_exceptions=True)
                await asyncio.sleep(self._poll_seconds)
                try:
                    await self.discover()
                except ApiError as error:
                    logger.debug("unknown what the API server serves: %s", error.message)

    async def _follow(self, kind: ResourceType) -> None:
        logger.info("watching %s (%s)", kind.plural, kind.api_version)
        try:
            await self._watch(kind)
        except IntakeFailed:
            raise
        except Exception as error:
            await self._explain(kind, error)
        finally:
            logger.info("no longer watching %s", kind.plural)
            self._watches.remove(kind)
            self._present.discard(kind)
            del self._tasks[kind]
            self._on_change(kind.kind, False)

    async def _explain(self, kind: ResourceType, error: Exception) -> None:
        """Say why a watch has ended, if not because its kind is gone; the next poll begins anew."""
        with contextlib.suppress(ApiError):
            if not await self._is_served(kind):
                return
        level = logging.DEBUG if kind in self._told else logging.WARNING
        logger.log(level, "%s cannot be watched: %s", kind.plural, error)
        self._told.add(kind)

    async def _is_served(self, kind: ResourceType) -> bool:
        try:
            return await self._discovery.discover(kind)
        except NotFound:  # its group went since it was seen
            return False
