"""The writes to one resource's children, each child on its own: one that fails stops no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scoring_operator.controller.drift import difference, manifest_hash, without_strangers
from scoring_operator.controller.handover import DEPLOYMENTS, SCALER, Replicas
from scoring_operator.controller.objects import owner_uid, spec_has_other_manager
from scoring_operator.controller.plan import Manifest, Name, Plan, Step, name_conflict, name_of
from scoring_operator.controller.refusals import namespace_ends, refusal
from scoring_operator.controller.store import Child, Store, child_of
from scoring_operator.controller.together import result_of
from scoring_operator.kube import ApiError, Client, Conflict, Invalid, NotFound, ResourceType
from scoring_operator.kube.client import Object
from scoring_operator.kube.mergepatch import merge_patch
from scoring_operator.manifests import CHILD_KINDS
from scoring_operator.status import Refusal

CHILDREN = {
    kind.kind: ResourceType(kind.api_version, kind.kind, kind.plural) for kind in CHILD_KINDS
}
_WORKLOAD = frozenset({DEPLOYMENTS.kind, SCALER})
_OPTIONAL = frozenset(kind.kind for kind in CHILD_KINDS if kind.optional)
_ATTEMPTS = 5  # a Deployment that rolls out changes its version several times a second
# A kind that is not served; one whose CustomResourceDefinition is being deleted.
_UNSERVED = frozenset({404, 405})

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """The children as the writes left them."""

    children: dict[Name, Child] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    tolerated: dict[Name, tuple[str, bytes]] = field(default_factory=dict)
    """Children that the server made different from their manifest: its hash, the essence."""
    conflict: bool = False
    """An object was not what we took it for: look again soon."""
    absent_kinds: Sequence[str] = ()
    """Kinds that were left out, for the API server does not serve them."""
    unserved: set[str] = field(default_factory=set)
    """Optional kinds that the API server took away since it was asked for them."""


class ChildWriter:
    """Reads children that are not known, applies manifests, deletes what is no longer wanted."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store
        self._replicas = Replicas(client)

    async def read(self, namespace: str, names: Iterable[Name]) -> dict[Name, Child | None]:
        """The objects that have these names now; None where a name is free."""

        async def one(name: Name) -> tuple[Name, Child | None]:
            try:
                found = await self._client.get(CHILDREN[name[0]], namespace, name[1])
            except NotFound:
                return name, None
            return name, child_of(found)

        return dict(await asyncio.gather(*(one(name) for name in names)))

    async def carry_out(self, plan: Plan, outcome: Outcome) -> None:
        """Do what the plan says, and record in `outcome` what came of it.

        Children that do not depend on one another are written at the same time.
        """
        rest = [step for step in plan.steps if step.manifest["kind"] not in _WORKLOAD]
        results = await asyncio.gather(
            self._carry_out_workload(plan, outcome),  # first: it takes the longest
            *(self._guarded(step, outcome) for step in rest),
            return_exceptions=True,
        )
        for result in results:
            result_of(result)
        for child in plan.surplus:
            if child.object["kind"] != SCALER:
                await self._delete(child, outcome)

    async def _carry_out_workload(self, plan: Plan, outcome: Outcome) -> None:
        """The Deployment and its autoscaler, one after the other: see `handover`."""
        free = await self._retire_scaler(plan, outcome)
        existed = _deployment(plan, outcome) is not None
        if existed:
            free = await self._secure(plan, outcome, new=False) and free
        deployed = existed and free
        for step in plan.steps:
            kind = step.manifest["kind"]
            if kind == DEPLOYMENTS.kind:
                current = replace(step, live=_deployment(plan, outcome))
                deployed = free and await self._guarded(current, outcome)
                if deployed and not existed:
                    deployed = await self._secure(plan, outcome, new=True)
            elif kind == SCALER and deployed:  # it must not scale a stranger's, nor an old one
                await self._guarded(step, outcome)
        if plan.hand_over.release and deployed:
            await self._release(plan, outcome)

    async def _retire_scaler(self, plan: Plan, outcome: Outcome) -> bool:
        """Delete the HPA that is not wanted any more; whether the replicas are ours to say.

        While it lives its number counts, and ours would only be undone.
        """
        scalers = [child for child in plan.surplus if child.object["kind"] == SCALER]
        return all([await self._delete(child, outcome) for child in scalers])

    async def _secure(self, plan: Plan, outcome: Outcome, *, new: bool) -> bool:
        """See to it that the replicas do not fall when we drop them; whether that is so."""
        live, floor = _deployment(plan, outcome), plan.hand_over.secure
        if live is None or floor is None:
            return True
        meta = live.object["metadata"]
        try:
            if new:
                found = await self._replicas.secure_new(live, floor)
            else:
                name = (meta["namespace"], meta["name"])
                found = await self._replicas.secure(*name, live.uid, floor)
        except ApiError as error:
            self._refused(live.object, error, outcome)
            return False
        self._learn(found, outcome)
        return True

    async def _release(self, plan: Plan, outcome: Outcome) -> None:
        live = _deployment(plan, outcome)
        if live is not None and live.replicas_held:
            self._learn(await self._replicas.release(live), outcome)

    def _learn(self, found: Mapping[str, Any], outcome: Outcome) -> Child:
        child = self._store.learn(found)
        outcome.children[name_of(found)] = child
        return child

    async def _guarded(self, step: Step, outcome: Outcome) -> bool:
        """Apply one manifest; whether the child is as it should be."""
        name = name_of(step.manifest)
        try:
            if step.live is None:
                child = await self._create(step.manifest)
            else:
                child = await self._update(step.manifest, step.live)
        except Conflict as error:
            # Another object than the one that was read. Nothing is known of it.
            logger.info("%s %s is not what it was: %s", *name, error.message)
            self._store.evict(name[0], step.manifest["metadata"]["namespace"], name[1])
            outcome.children.pop(name, None)
            outcome.conflict = True
            return False
        except ApiError as error:
            if name[0] in _OPTIONAL and error.code in _UNSERVED:
                logger.info("%s %s: %s", *name, error.message)
                outcome.unserved.add(name[0])
                return False
            self._refused(step.manifest, error, outcome)
            return False
        if child is None:
            outcome.refusals.append(name_conflict(step.manifest))
            return False
        logger.info("applied %s %s (%s)", *name, step.field)
        outcome.children[name] = child
        at = difference(child.object, step.manifest)
        if at is not None:
            logger.warning("%s %s was stored with another %s than was applied", *name, at)
            outcome.tolerated[name] = (manifest_hash(step.manifest), child.essence)
        return True

    @staticmethod
    def _refused(obj: Mapping[str, Any], error: ApiError, outcome: Outcome) -> None:
        """Record what an error says of a child; raise one that says nothing of it."""
        refused = None if namespace_ends(error) else refusal(obj, error)
        if refused is None:
            raise error
        logger.warning("%s %s was refused: %s", *name_of(obj), error.message)
        outcome.refusals.append(refused)

    async def _create(self, manifest: Manifest) -> Child | None:
        """Apply where the name was free a moment ago; None if a stranger has taken it since."""
        resource = CHILDREN[manifest["kind"]]
        found, created = await self._client.apply(resource, manifest, force=False)
        if not created and spec_has_other_manager(found):
            metadata = {key: found["metadata"][key] for key in ("name", "namespace", "uid")}
            bare = {key: manifest[key] for key in ("apiVersion", "kind")}
            # To apply nothing hands back what we own of it, our owner reference above all.
            await self._client.apply(resource, {**bare, "metadata": metadata}, force=False)
            return None
        return self._store.learn(found)

    async def _update(self, manifest: Manifest, live: Child) -> Child:
        """Apply over an object of ours, and over no other that has its name by now."""
        over = {**manifest, "metadata": {**manifest["metadata"], "uid": live.uid}}
        resource = CHILDREN[manifest["kind"]]
        try:
            found, _ = await self._client.apply(resource, over, force=True)
        except Invalid:
            # Apply takes out what was ours alone, and sets ours beside what is of others.
            live = child_of(await self._reread_same(resource, live))
            if await self._evict_strangers(manifest, live) is None:
                raise
            found, _ = await self._client.apply(resource, over, force=True)
        else:
            found = await self._evict_strangers(manifest, child_of(found)) or found
        return self._store.learn(found)

    async def _evict_strangers(self, manifest: Manifest, live: Child) -> Object | None:
        """Take out what an apply leaves, or is refused for; None if there is nothing of it."""
        resource, (_, name) = CHILDREN[manifest["kind"]], name_of(manifest)
        namespace, found = manifest["metadata"]["namespace"], None
        for attempt in range(_ATTEMPTS):
            spec = live.object.get("spec", {})
            wanted = without_strangers(spec, manifest["spec"], "spec")
            if wanted == spec:
                return found
            patch = {
                "metadata": {"uid": live.uid, "resourceVersion": live.version},
                "spec": merge_patch(spec, wanted),
            }
            try:
                found = await self._client.patch(resource, namespace, name, patch)
            except (Conflict, NotFound):
                if attempt == _ATTEMPTS - 1:
                    raise
                found = await self._reread_same(resource, live)
                live = child_of(found)
            else:
                logger.info("%s %s had entries of others in lists of ours", resource.kind, name)
                return found
        raise AssertionError("the last attempt returns or raises")

    async def _reread_same(self, resource: ResourceType, live: Child) -> Object:
        """A newer version of the same object, as much ours as it was; else Conflict.

        A Deployment's controller answers an edit at once, with a version that no watch has shown.
        """
        meta = live.object["metadata"]
        try:
            found = await self._client.get(resource, meta["namespace"], meta["name"])
        except NotFound as error:  # of the child, not of the resource
            raise Conflict(error.message) from error
        if (found["metadata"]["uid"], owner_uid(found)) != (live.uid, live.owner):
            raise Conflict(f"{resource.kind} {meta['name']} is another object now")
        return found

    async def _delete(self, child: Child, outcome: Outcome) -> bool:
        """Delete what is ours; whether it is gone."""
        kind, name = name_of(child.object)
        namespace = child.object["metadata"]["namespace"]
        outcome.children.pop((kind, name), None)
        try:
            await self._client.delete(
                CHILDREN[kind], namespace, name, uid=child.uid, resource_version=child.version
            )
        except NotFound:
            pass
        except Conflict:  # it has changed: is it still ours, still unwanted?
            outcome.conflict = True
            await self._reread(kind, namespace, name)
            return False
        else:
            logger.info("deleted %s %s: no longer wanted", kind, name)
        self._store.evict(kind, namespace, name)
        return True

    async def _reread(self, kind: str, namespace: str, name: str) -> None:
        """Learn what an object is now. No manifest asks for it, so no later look would."""
        try:
            self._store.put(await self._client.get(CHILDREN[kind], namespace, name))
        except NotFound:
            self._store.evict(kind, namespace, name)


def _deployment(plan: Plan, outcome: Outcome) -> Child | None:
    """The Deployment, if it is there and ours."""
    found = (child for name, child in outcome.children.items() if name[0] == DEPLOYMENTS.kind)
    return next((child for child in found if child.owner == plan.owner), None)
