"""A case of what can be observed, and builders of the parts that cases share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from scoring_operator.manifests import Platform
from scoring_operator.manifests.exposure import exposure
from scoring_operator.status import Observed, Refusal
from tests.controller.builders import (
    crashed,
    deployment,
    pod,
    service,
    unschedulable,
    waiting,
)

PLATFORM: Final = Platform(cpu_image="example.com/cpu:1", gpu_image="example.com/gpu:1")
State = Literal["Ready", "Reconciling", "Stalled"]
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A case: what the spec asks for, what is seen, and what the status has to say."""

    name: str
    reason: str
    state: State
    words: str
    """Part of the message."""
    spec: Object = field(default_factory=dict)
    live: Object | None = None
    """The Deployment."""
    pods: Sequence[Object] = ()
    children: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    """Other children."""
    refusals: Sequence[Refusal] = ()
    missing: Sequence[str] = ()
    absent: Sequence[str] = ()
    host_owner: str | None = None
    for_seconds: int = 0
    """How long it has been so already."""

    @property
    def observed(self) -> Observed:
        """What the look saw."""
        own = {} if self.live is None else {("Deployment", "faq"): self.live}
        return Observed(
            children={**own, **self.children},
            pods=self.pods,
            refusals=self.refusals,
            missing_secrets=self.missing,
            absent_kinds=self.absent,
            host_owner=self.host_owner,
        )


def exposed(**more: Any) -> dict[str, Any]:
    return {"exposure": {"host": "faq.example.com", **more}}


def routed(spec: Object, *, published: bool = True, issued: bool = False) -> dict[Any, Object]:
    """The exposure's children, as their controllers leave them."""
    children: dict[Any, Object] = {}
    for item in exposure(service(spec), PLATFORM):
        if item["kind"] == "Ingress" and published:
            item["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
        if item["kind"] == "HTTPRoute" and published:
            item["status"] = {"parents": [_accepted(ref) for ref in item["spec"]["parentRefs"]]}
        if item["kind"] == "Certificate" and issued:
            item["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
        children[item["kind"], item["metadata"]["name"]] = item
    return children


def _accepted(parent: Object) -> Object:
    conditions = [{"type": kind, "status": "True"} for kind in ("Accepted", "ResolvedRefs")]
    return {"parentRef": parent, "controllerName": "x/y", "conditions": conditions}


def overdue(live: Mapping[str, Any]) -> dict[str, Any]:
    """The Deployment past its deadline."""
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": 'ReplicaSet "faq-1" has timed out progressing.',
    }
    return {**live, "status": {**live["status"], "conditions": [condition]}}


def refused_pods(message: str) -> dict[str, Any]:
    """The Deployment when no pod can be created."""
    failure = {"type": "ReplicaFailure", "status": "True", "message": message}
    return deployment(replicas=0, updated=0, ready=0, conditions=[failure])


def pending(message: str) -> list[Object]:
    return [pod(phase="Pending", conditions=unschedulable(message))]


def waits(reason: str, message: str = "") -> list[Object]:
    return [pod(phase="Pending", containers=[waiting(reason, message)])]


def crashes(code: int, message: str = "", **more: Any) -> list[Object]:
    return [pod(containers=[crashed(code, message, **more)])]


def fetching(**status: Any) -> list[Object]:
    """A pod whose init container fetches the model."""
    container = {"name": "fetch", "restartCount": 0, **status}
    main = waiting("PodInitializing")
    return [pod(phase="Pending", init_containers=[container], containers=[main])]


def lost(reason: str, message: str) -> list[Object]:
    """A pod that its node gave up on."""
    over = pod(phase="Failed")
    return [{**over, "status": {**over["status"], "reason": reason, "message": message}}]


def leaving(pods: Sequence[Object]) -> list[Object]:
    return [
        {**item, "metadata": {**item["metadata"], "deletionTimestamp": "2026-03-01T12:00:00Z"}}
        for item in pods
    ]
