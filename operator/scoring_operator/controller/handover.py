"""Who decides the Deployment's replicas, and how that goes from one to the other without a dip.

While an autoscaler decides, the operator's field manager must not own `spec.replicas`. But a field
that its only owner drops falls back to its default: five pods would become one at once. So

- *on*: a second field manager applies the live number, then the Deployment is applied without
  replicas, and only then the HorizontalPodAutoscaler (HPA) is created. That it exists means that
  all this is done. The second manager is never released while it exists: an HPA that has not had to
  scale yet owns nothing.
- *off*: the HPA is deleted, then the wanted number is applied with force, then the second
  manager is released.

Each step can be done again, so a look that ended between two of them is finished by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scoring_operator.controller.objects import SCALE_MANAGER
from scoring_operator.controller.store import Child
from scoring_operator.kube import Client, Conflict, NotFound, ResourceType

DEPLOYMENTS: Final = ResourceType("apps/v1", "Deployment", "deployments")
SCALER: Final = "HorizontalPodAutoscaler"

_ATTEMPTS = 5  # a Deployment that rolls out changes its version several times a second

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HandOver:
    """What is to be done about the replicas, besides applying and deleting children."""

    secure: int | None = None
    """The second manager is to hold the live number, or this one if it is larger."""
    release: bool = False
    """The second manager is to let go, once the Deployment's manifest says the number."""

    @property
    def pending(self) -> bool:
        """Whether anything is to be done."""
        return self.secure is not None or self.release


def plan_hand_over(
    scaler: Mapping[str, Any] | None,
    deployment: Child | None,
    live_scaler: Child | None,
    writes: Iterable[str],
) -> HandOver:
    """What is to be done, given the HPA's manifest (None: no autoscaling) and what is ours.

    `writes` are the kinds that are about to be applied. Only the look that creates the HPA finds
    it missing, unless a stranger has its name: then the number is held, once, and stays.
    """
    if scaler is None:
        held = deployment is not None and deployment.replicas_held
        return HandOver(release=held)
    floor = int(scaler["spec"].get("minReplicas", 1))
    if deployment is None:
        return HandOver(secure=floor) if DEPLOYMENTS.kind in writes else HandOver()
    if deployment.object.get("spec", {}).get("replicas") == 0:
        return HandOver(secure=floor)  # an HPA leaves a Deployment at 0 alone
    if live_scaler is not None:
        return HandOver()
    writing = not {DEPLOYMENTS.kind, SCALER}.isdisjoint(writes)
    return HandOver(secure=floor) if writing or not deployment.replicas_held else HandOver()


class Replicas:
    """What the second field manager does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def secure(self, namespace: str, name: str, uid: str, floor: int) -> dict[str, Any]:
        """Hold the number of replicas as it is now, or `floor` if that is more.

        Raises Conflict where the object is another one, or changes too often.
        """
        for attempt in range(_ATTEMPTS):
            try:
                live = await self._client.get(DEPLOYMENTS, namespace, name)
            except NotFound as error:  # of the Deployment, not of the resource
                raise Conflict(error.message) from error
            version = live["metadata"]["resourceVersion"]
            precondition = {"uid": uid, "resourceVersion": version}
            replicas = max(live["spec"].get("replicas", 1), floor)
            try:
                found = await self._apply(namespace, name, precondition, replicas)
            except Conflict:
                if live["metadata"]["uid"] != uid or attempt == _ATTEMPTS - 1:
                    raise
                continue
            logger.info("the autoscaler of %s takes over at %d replicas", name, replicas)
            return found
        raise AssertionError("the last attempt returns or raises")

    async def secure_new(self, child: Child, floor: int) -> dict[str, Any]:
        """Hold the number of a Deployment that was created just now, or `floor` if that is more.

        Nobody else can have scaled it. Its controller changes its version several times a second
        now, which a precondition would lose against again and again.
        """
        replicas = max(child.object["spec"].get("replicas", 1), floor)
        return await self._hold(child, replicas)

    async def release(self, child: Child) -> dict[str, Any]:
        """Let go of the replicas, which the Deployment's manifest says now."""
        return await self._hold(child, None)

    async def _hold(self, child: Child, replicas: int | None) -> dict[str, Any]:
        meta = child.object["metadata"]
        return await self._apply(meta["namespace"], meta["name"], {"uid": child.uid}, replicas)

    async def _apply(
        self, namespace: str, name: str, precondition: Mapping[str, str], replicas: int | None
    ) -> dict[str, Any]:
        manifest: dict[str, Any] = {
            "apiVersion": DEPLOYMENTS.api_version,
            "kind": DEPLOYMENTS.kind,
            "metadata": {"name": name, "namespace": namespace, **precondition},
        }
        if replicas is not None:
            manifest["spec"] = {"replicas": replicas}
        found, _ = await self._client.apply(
            DEPLOYMENTS, manifest, force=True, manager=SCALE_MANAGER
        )
        return found
