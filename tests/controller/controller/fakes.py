"""An API server in a dict: just enough of it to see what a look asks for and writes."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any, cast

from scoring_operator.api import FIELD_MANAGER, KIND
from scoring_operator.controller.applicable import REQUIRED_KINDS
from scoring_operator.controller.intake import Intake
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.reconcile import Reconciler
from scoring_operator.controller.store import Key, Store
from scoring_operator.kube import ApiError, Client, Conflict, NotFound, ResourceType
from scoring_operator.manifests import Platform
from scoring_operator.status import Transition
from tests.controller.builders import NOW

Object = dict[str, Any]


class FakeApi:
    """The methods of `Client` on objects in memory. `calls` lists verb and kind of each request."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.calls: list[tuple[str, str]] = []
        self.failures: dict[tuple[str, str], ApiError] = {}
        self.before: dict[tuple[str, str], Any] = {}
        self._versions = itertools.count(100)

    def put(self, obj: Mapping[str, Any]) -> Object:
        """Write an object behind the operator's back."""
        stored = copy.deepcopy(dict(obj))
        metadata = stored["metadata"]
        number = next(self._versions)
        metadata.setdefault("uid", f"uid-{number}")
        metadata["resourceVersion"] = str(number)
        self.objects[stored["kind"], metadata["namespace"], metadata["name"]] = stored
        return copy.deepcopy(stored)

    def find(self, kind: str, name: str = "faq", namespace: str = "ml") -> Object:
        return self.objects[kind, namespace, name]

    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] not in ("get", "list")]

    async def get(
        self,
        resource: ResourceType,
        namespace: str | None,
        name: str,
        *,
        metadata_only: bool = False,
    ) -> Object:
        self._called("get", resource)
        return copy.deepcopy(self._existing(resource, namespace, name))

    async def apply(
        self,
        resource: ResourceType,
        manifest: Mapping[str, Any],
        *,
        force: bool,
        manager: str = FIELD_MANAGER,
    ) -> tuple[Object, bool]:
        self._called("apply" if manager == FIELD_MANAGER else manager, resource)
        metadata = manifest["metadata"]
        live = self.objects.get((resource.kind, metadata["namespace"], metadata["name"]))
        for field in ("uid", "resourceVersion"):
            if field in metadata and (live is None or live["metadata"][field] != metadata[field]):
                raise Conflict(f"{field} mismatch")
        if live is None:
            created = copy.deepcopy(dict(manifest))
            created["metadata"]["managedFields"] = [_entry(manager, manifest)]
            created["metadata"]["generation"] = 1
            if resource.kind == "Deployment":
                created["spec"].setdefault("replicas", 1)
            return self.put(created), True
        merged = {**live, **copy.deepcopy({k: v for k, v in manifest.items() if k != "metadata"})}
        merged["metadata"] = {**live["metadata"], **copy.deepcopy(dict(metadata))}
        entries = [m for m in live["metadata"].get("managedFields", ()) if m["manager"] != manager]
        if "spec" in manifest or manager == FIELD_MANAGER:
            entries.append(_entry(manager, manifest))
        merged["metadata"]["managedFields"] = entries
        if manager != FIELD_MANAGER:
            merged["spec"] = {**live["spec"], **copy.deepcopy(manifest.get("spec", {}))}
        elif resource.kind == "Deployment" and "replicas" not in manifest["spec"]:
            held = any("f:replicas" in entry["fieldsV1"]["f:spec"] for entry in entries)
            merged["spec"]["replicas"] = live["spec"]["replicas"] if held else 1
        return self.put(merged), False

    async def patch_status(
        self, resource: ResourceType, namespace: str | None, name: str, patch: Mapping[str, Any]
    ) -> Object:
        self._called("patch", resource)
        live = self._existing(resource, namespace, name)
        if live["metadata"]["resourceVersion"] != patch["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        return self.put({**live, "status": _merged(live.get("status", {}), patch["status"])})

    async def patch(
        self, resource: ResourceType, namespace: str | None, name: str, patch: Mapping[str, Any]
    ) -> Object:
        self._called("patch", resource)
        live = self._existing(resource, namespace, name)
        for field in ("uid", "resourceVersion"):
            if live["metadata"][field] != patch["metadata"][field]:
                raise Conflict(f"{field} mismatch")
        return self.put({**live, "spec": _merged(live["spec"], patch["spec"])})

    async def delete(
        self,
        resource: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str,
        resource_version: str,
    ) -> None:
        self._called("delete", resource)
        metadata = self._existing(resource, namespace, name)["metadata"]
        if (metadata["uid"], metadata["resourceVersion"]) != (uid, resource_version):
            raise Conflict("the precondition failed")
        del self.objects[resource.kind, str(namespace), name]

    def _existing(self, resource: ResourceType, namespace: str | None, name: str) -> Object:
        try:
            return self.objects[resource.kind, str(namespace), name]
        except KeyError:
            raise NotFound(f"{resource.plural} {name!r} not found") from None

    def _called(self, verb: str, resource: ResourceType) -> None:
        call = (verb, resource.kind)
        self.calls.append(call)
        if call in self.before:
            self.before.pop(call)()
        if call in self.failures:
            raise self.failures[call]


def _merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> Object:
    """RFC 7386."""
    merged = copy.deepcopy(dict(old))
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = _merged(merged.get(key) or {}, value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _entry(manager: str, manifest: Mapping[str, Any]) -> Object:
    fields: Object = {f"f:{field}": {} for field in manifest.get("spec", {})}
    return {"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": fields}}


class FakeModels:
    """A model probe that has nothing to say."""

    def model(self, *_: object) -> None:
        return None


class World:
    """An API, watches that deliver at once when told, and a reconciler."""

    key: Key = ("ml", "faq")

    def __init__(self, platform: Platform | None = None) -> None:
        self.api = FakeApi()
        self.store = Store()
        self.queue: WorkQueue[Key] = WorkQueue()
        self.intake = Intake(self.store, self.queue)
        self.seconds = 0.0
        self.served = set(REQUIRED_KINDS)
        self.news: list[tuple[str, Transition]] = []
        self.reconciler = self.new_reconciler(platform)

    def new_reconciler(self, platform: Platform | None = None) -> Reconciler:
        """Another process on the same store; its memory is empty."""
        return Reconciler(
            cast("Client", self.api),
            self.store,
            platform or Platform(),
            cast("Any", FakeModels()),
            served=self.served,
            wake=self.queue.add,
            announce=lambda resource, news: self.news.append((resource["metadata"]["name"], news)),
            now=lambda: NOW,
            clock=lambda: self.seconds,
            dice=lambda: 0.5,
        )

    def user_applies(self, resource: Mapping[str, Any]) -> Object:
        """A user writes the resource, and the watch reports it."""
        metadata = resource["metadata"]
        before = self.api.objects.get((KIND, metadata["namespace"], metadata["name"]))
        merged = {**resource, **({"status": before["status"]} if before else {})}
        stored = self.api.put(merged)
        self.intake.event("MODIFIED", stored)
        return stored

    def sync(self) -> None:
        """The watches deliver what they show by their selector: ours by kind, others by label."""
        for obj in self.api.objects.values():
            if obj["kind"] == KIND or "scoring.dev/name" in obj["metadata"].get("labels", {}):
                self.intake.event("MODIFIED", obj)

    async def look(self, later: float = 10.0) -> float | None:
        """One look, some seconds later, with the calls of that look alone in `api.calls`."""
        self.seconds += later
        self.api.calls.clear()
        return await self.reconciler.look(self.key)

    async def settle(self) -> None:
        """Look until nothing is written any more."""
        for _ in range(5):
            await self.look()
            self.sync()
            if not self.api.writes():
                return
        raise AssertionError(f"still writing: {self.api.writes()}")

    @property
    def status(self) -> Object:
        """The resource's status."""
        found: Object = self.api.find(KIND).get("status", {})
        return found

    def condition(self, kind: str) -> Object:
        """A condition of the resource, or an empty one."""
        found = self.status.get("conditions", ())
        return next((item for item in found if item["type"] == kind), {})
