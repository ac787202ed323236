"""One look at one ScoringService, whatever woke it.

A look compares the resource and its children as the watches delivered them. If that says that
nothing is to be written, it costs no request. Before anything is written to a child the resource
is read afresh, so that no write follows from a stale view; the status is written with the
resource's version as a precondition.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from scoring_operator.api import API_VERSION, KIND, PLURAL, InvalidResource, ScoringService
from scoring_operator.controller.applicable import Applicable, applicable
from scoring_operator.controller.children import ChildWriter, Outcome
from scoring_operator.controller.context import about
from scoring_operator.controller.drift import stamp
from scoring_operator.controller.model_probe import ModelProbe
from scoring_operator.controller.objects import metadata
from scoring_operator.controller.observation import Observer
from scoring_operator.controller.plan import Name, Plan, make_plan
from scoring_operator.controller.refusals import namespace_ends
from scoring_operator.controller.secrets import KnownSecrets, MissingSecrets
from scoring_operator.controller.settled import Settled, sight_of
from scoring_operator.controller.store import Child, Key, Store
from scoring_operator.controller.together import result_of
from scoring_operator.kube import ApiError, Client, Conflict, NotFound, ResourceType
from scoring_operator.kube.mergepatch import merge_patch
from scoring_operator.manifests import Platform, render
from scoring_operator.status import Summary, Transition, begin, summarize_invalid, transition
from scoring_operator.status.reasons import PROGRESS

SCORING_SERVICES = ResourceType(API_VERSION, KIND, PLURAL)

RESYNC_SECONDS = 600.0
WAITING_SECONDS = 2.0  # an event tells when the object is gone; this is for an event that is lost
CONFLICT_SECONDS = 0.2
SETTLE_SECONDS = 0.2
# While a roll-out goes on its counts change several times a second: who reads them can wait. So can
# who reads what the autoscaler says of itself.
STATUS_INTERVAL_SECONDS = 1.0

Resource = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass
class _Memory:
    """What is remembered of a resource between looks; losing it costs a few requests, no more."""

    distrust: bool = False
    """The view turned out to be stale: read the resource first."""
    tolerated: dict[Name, tuple[str, bytes]] = field(default_factory=dict)
    written_at: float = float("-inf")
    """When the status was written last."""
    secrets: KnownSecrets = field(default_factory=KnownSecrets)
    settled: Settled | None = None
    """The latest sight in which nothing was to be done about the children."""


@dataclass(frozen=True)
class _View:
    """A resource and what follows from it."""

    resource: Resource
    service: ScoringService | None
    invalid: str
    children: dict[Name, Child]
    applicable: Applicable
    plan: Plan

    @property
    def status(self) -> Mapping[str, Any]:
        return self.resource.get("status") or {}

    @property
    def observed(self) -> bool:
        """Whether the status is of this generation already."""
        return self.status.get("observedGeneration") == metadata(self.resource).get("generation")

    @property
    def touches_children(self) -> bool:
        return self.plan.writes or bool(self.plan.unknown)


class Reconciler:
    """Looks at resources. `await look(key)` says in how many seconds to look again."""

    def __init__(
        self,
        client: Client,
        store: Store,
        platform: Platform,
        models: ModelProbe,
        *,
        served: Collection[str],
        wake: Callable[[Key], None],
        announce: Callable[[Resource, Transition], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._store = store
        self._platform = platform
        self._served = served
        self._wake = wake
        self._announce = announce
        self._writer = ChildWriter(client, store)
        self._observer = Observer(store, platform, models, MissingSecrets(client, clock))
        self._now = now
        self._clock = clock
        self._dice = dice
        self._memories: dict[Key, _Memory] = {}

    async def look(self, key: Key) -> float | None:
        """Bring children and status in line; None where the resource is gone, or going.

        Raises ApiError where the look could not be finished and is to be repeated.
        """
        memory = self._memories.setdefault(key, _Memory())
        about.set({"namespace": key[0], "name": key[1]})
        resource = self._store.resource(key)
        if resource is None or _is_going(resource):
            return self._forget(key)
        try:
            view = self._view(key, resource)
            found: dict[Name, Child | None] = {}
            if memory.distrust or (view.touches_children and view.observed):
                fresh, found = await asyncio.gather(
                    self._fresh(key), self._writer.read(key[0], view.plan.unknown)
                )
                if _is_going(fresh):
                    return self._forget(key)
                if _version(fresh) != _version(resource):
                    view = self._view(key, fresh)
            memory.distrust = False
            return await self._settle(key, view, found)
        except Conflict:
            memory.distrust = True
            raise
        except NotFound:  # it went meanwhile; garbage collection does the rest
            return self._forget(key)
        except ApiError as error:
            if namespace_ends(error):
                return self._forget(key)
            raise

    def _forget(self, key: Key) -> float | None:
        self._memories.pop(key, None)
        return None

    async def _fresh(self, key: Key) -> Resource:
        resource = await self._client.get(SCORING_SERVICES, *key)
        _, concerned = self._store.put(resource)
        for other in concerned - {key}:  # the watch will have nothing new to say of it
            self._wake(other)
        return resource

    def _view(self, key: Key, resource: Resource) -> _View:
        children = self._store.children(key)
        generation = metadata(resource).get("generation")
        about.set({"namespace": key[0], "name": key[1], "generation": generation})
        try:
            service = ScoringService.parse(resource)
        except InvalidResource as error:
            return _View(resource, None, str(error), children, Applicable([], {}), Plan())
        uid, memory = service.metadata.uid, self._memories[key]
        contested = self._store.host_owner(key) is not None
        sight = sight_of(resource, children, self._served, contested=contested)
        if memory.settled is not None and memory.settled.sight == sight:
            fit = Applicable([], children, memory.settled.absent_kinds)
            return _View(resource, service, "", children, fit, Plan(uid))
        manifests = [stamp(manifest, uid) for manifest in render(service, self._platform)]
        fit = applicable(manifests, children, self._served, contested=contested)
        plan = make_plan(uid, fit.manifests, fit.children, tolerated=memory.tolerated)
        memory.settled = Settled(sight, fit.absent_kinds) if plan == Plan(uid) else None
        return _View(resource, service, "", children, fit, plan)

    async def _settle(self, key: Key, view: _View, found: dict[Name, Child | None]) -> float:
        if view.service is None:
            logger.warning("the resource cannot be served: %s", view.invalid)
            summary = summarize_invalid(view.resource, view.invalid, view.status, self._now())
            await self._write_status(key, view.resource, summary.status)
            return self._again(summary, view.plan, Outcome())
        resource, completion = view.resource, self._complete(key, view, view.service, found)
        begins = view.touches_children and not view.observed
        if begins:
            # Whoever waits for this generation must not take the state before it for its result.
            # That this succeeds shows also that the view was not stale.
            before = view.status or self._observer.unseen(view.service, self._now())
            status = begin(view.service, before, self._now())
            written, completed = await asyncio.gather(
                self._write_status(key, resource, status), completion, return_exceptions=True
            )
            resource, (plan, children) = result_of(written), result_of(completed)
        else:
            plan, children = await completion
        outcome = Outcome(children, list(plan.refusals), absent_kinds=view.applicable.absent_kinds)
        await self._writer.carry_out(plan, outcome)
        self._memories[key].tolerated |= outcome.tolerated
        if begins and not outcome.refusals and not outcome.conflict:
            # The controllers have not had the time to say anything that is worth a write.
            return SETTLE_SECONDS
        before = resource.get("status") or {}
        secrets = self._memories[key].secrets
        summary = await self._observer.summary(view.service, before, outcome, secrets, self._now())
        wait = self._memories[key].written_at + STATUS_INTERVAL_SECONDS - self._clock()
        if wait > 0 and not _is_news(before, summary.status):
            return min(wait, self._again(summary, plan, outcome))
        await self._write_status(key, resource, summary.status)
        return self._again(summary, plan, outcome)

    async def _complete(
        self,
        key: Key,
        view: _View,
        service: ScoringService,
        found: dict[Name, Child | None],
    ) -> tuple[Plan, dict[Name, Child]]:
        """The plan and the children, with those that had to be read; `found` has been already."""
        if not view.plan.unknown:
            return view.plan, dict(view.children)
        rest = [name for name in view.plan.unknown if name not in found]
        found = {name: found[name] for name in view.plan.unknown if name in found}
        found |= await self._writer.read(key[0], rest)
        new = {name: child for name, child in found.items() if child}
        absent = {name for name, child in found.items() if child is None}
        tolerated = self._memories[key].tolerated
        fit, uid = view.applicable, service.metadata.uid
        plan = make_plan(uid, fit.manifests, fit.children | new, absent, tolerated)
        return plan, view.children | new

    async def _write_status(
        self, key: Key, resource: Resource, status: Mapping[str, Any]
    ) -> Resource:
        """Write what has changed of the status; the resource as it is then."""
        patch = merge_patch(resource.get("status") or {}, status)
        if not patch:
            return resource
        self._store.expect_status(key, status)
        version = _version(resource)
        written = await self._client.patch_status(
            SCORING_SERVICES, *key, {"metadata": {"resourceVersion": version}, "status": patch}
        )
        self._store.put(written)
        self._memories[key].written_at = self._clock()
        news = transition(resource.get("status") or {}, status)
        if news is not None:
            logger.info("%s: %s", news.reason, news.note)
            self._announce(written, news)
        return written

    def _again(self, summary: Summary, plan: Plan, outcome: Outcome) -> float:
        if outcome.conflict:
            return CONFLICT_SECONDS
        if plan.waiting or outcome.unserved:
            return WAITING_SECONDS
        if summary.look_again_seconds is not None:
            return summary.look_again_seconds
        return RESYNC_SECONDS * (0.9 + 0.2 * self._dice())


def _is_going(resource: Resource) -> bool:
    return "deletionTimestamp" in metadata(resource)


def _version(resource: Resource) -> str:
    return str(metadata(resource).get("resourceVersion"))


def _is_news(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether more has changed than counts, messages, steps on the way, the autoscaler's word."""

    def essence(status: Mapping[str, Any]) -> object:
        states = {
            item["type"]: (item["status"], "" if item["reason"] in PROGRESS else item["reason"])
            for item in status.get("conditions") or ()
        }
        states.pop("AutoscalingActive", None)
        return status.get("observedGeneration"), states

    return essence(before) != essence(after)
