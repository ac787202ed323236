"""The bare limit: a client that only sends the writes which the operator sends."""

import asyncio
import copy
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.reconciler_cluster import NAMESPACE
from scoring_operator.api import FIELD_MANAGER, ScoringService
from scoring_operator.controller.children import CHILDREN
from scoring_operator.controller.drift import stamp
from scoring_operator.controller.objects import SCALE_MANAGER
from scoring_operator.controller.reconcile import SCORING_SERVICES
from scoring_operator.kube.client import APPLY, MERGE
from scoring_operator.kube.kubeconfig import from_kubeconfig
from scoring_operator.manifests import Platform, render
from tests.e2e.resources import scoring_service

AGENT = "bare-client"
CONNECTIONS = 32  # as many as the operator has

SPEC: dict[str, Any] = {
    "autoscaling": {"minReplicas": 1, "maxReplicas": 3},
    "networkPolicy": {"from": [{"cidr": "10.0.0.0/8"}]},
}
"""Deployment, Service, HorizontalPodAutoscaler and NetworkPolicy; one pod."""

Write = tuple[str, str, dict[str, str], str, dict[str, Any]]
"""Method, path, query, content type and body."""


class BareClient:
    """JSON over aiohttp, without a thought."""

    def __init__(self, login: Path) -> None:
        self._credentials = from_kubeconfig(str(login), None)

    async def __aenter__(self) -> "BareClient":
        tls = self._credentials.tls
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS, ssl=tls if tls is not None else False
            ),
            headers={"User-Agent": AGENT, "Authorization": self._credentials.authorization() or ""},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, write: Write) -> dict[str, Any]:
        """The stored object; RuntimeError where the API server refuses."""
        method, path, query, content_type, body = write
        async with self._session.request(
            method,
            self._credentials.server + path,
            params=query,
            data=json.dumps(body, separators=(",", ":")).encode(),
            headers={"Content-Type": content_type},
        ) as response:
            answer: dict[str, Any] = await response.json()
            if response.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.get('message')}")
            return answer


def creation(name: str) -> Write:
    """A user creates a resource."""
    path = SCORING_SERVICES.path(NAMESPACE)
    return "POST", path, {}, "application/json", scoring_service(NAMESPACE, name, **SPEC)


def patch(name: str, change: dict[str, Any]) -> Write:
    """A user changes a resource."""
    return "PATCH", SCORING_SERVICES.path(NAMESPACE, name), {}, MERGE, change


def children(resource: Mapping[str, Any]) -> list[Write]:
    """What the operator writes for the children of a new resource, in its order."""
    service = ScoringService.parse(resource)
    writes = []
    for manifest in render(service, Platform()):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "PodMonitor":  # there is no such kind in the cluster
            continue
        if kind == "HorizontalPodAutoscaler":
            writes.append(_replicas(name))
        path = CHILDREN[kind].path(NAMESPACE, name)
        stamped = stamp(manifest, service.metadata.uid)
        writes.append(("PATCH", path, _manager(FIELD_MANAGER, "false"), APPLY, stamped))
    return writes


def _replicas(name: str) -> Write:
    """The second field manager holds the number while the autoscaler comes."""
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 1},
    }
    path = CHILDREN["Deployment"].path(NAMESPACE, name)
    return "PATCH", path, _manager(SCALE_MANAGER, "true"), APPLY, manifest


def _status(resource: Mapping[str, Any], sample: Mapping[str, Any], turn: int) -> Write:
    """A status that differs from the one before, as long as the operator's own."""
    status = copy.deepcopy(dict(sample))
    for condition in status["conditions"]:
        condition["message"] = f"{condition.get('message', '')} {turn}"
    version = resource["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "status": status}
    path = SCORING_SERVICES.path(NAMESPACE, resource["metadata"]["name"], "status")
    return "PATCH", path, {"fieldManager": FIELD_MANAGER}, MERGE, body


def _manager(name: str, force: str) -> dict[str, str]:
    return {"fieldManager": name, "force": force}


async def all_of(names: Sequence[str], work: Callable[[str], Awaitable[object]]) -> None:
    """Do the work for all names, as many at a time as there are connections."""
    waiting = iter(names)

    async def worker() -> None:
        for name in waiting:
            await work(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(worker())


async def bare_wave(
    login: Path, names: Sequence[str], sample: Mapping[str, Any], status_writes: int
) -> dict[str, float]:
    """Create resources and their children, and write their statuses.

    Args:
        sample: a status of the operator's.
        status_writes: how often each resource's status is written.

    Returns:
        Seconds, seconds of CPU, and writes for one resource, its creation aside.
    """
    sent = 0

    async def one(name: str) -> None:
        nonlocal sent
        resource = await client.send(creation(name))
        if status_writes:
            resource = await client.send(_status(resource, sample, 0))
        todo = children(resource)
        for write in todo:
            await client.send(write)
        for turn in range(1, status_writes):
            resource = await client.send(_status(resource, sample, turn))
        sent += len(todo) + status_writes

    async with BareClient(login) as client:
        began, cpu = time.perf_counter(), time.process_time()
        await all_of(names, one)
        return {
            "seconds": time.perf_counter() - began,
            "cpuSeconds": time.process_time() - cpu,
            "writesEach": sent / len(names),
        }
