"""How far the Deployment has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoring_operator.status.conditions import find
from scoring_operator.status.reasons import Reason, refused_by


@dataclass(frozen=True)
class Rollout:
    """The Deployment's own account of its pods."""

    desired: int = 0
    replicas: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    observed: bool = False
    deadline_message: str | None = None
    failure: tuple[Reason, str] | None = None

    @property
    def current(self) -> bool:
        """Whether all pods are of the current template, however many there are."""
        return self.observed and self.replicas == self.updated

    @property
    def complete(self) -> bool:
        """Whether exactly the desired pods of the current template run and serve."""
        return self.current and (self.updated == self.ready == self.available == self.desired)


def read_rollout(deployment: Mapping[str, Any] | None) -> Rollout:
    """The state of a roll-out; an empty one while there is no Deployment."""
    if deployment is None:
        return Rollout()
    status = deployment.get("status", {})
    conditions = status.get("conditions", [])
    progressing = find(conditions, "Progressing")
    too_late = progressing.get("reason") == "ProgressDeadlineExceeded"
    return Rollout(
        desired=deployment["spec"].get("replicas", 1),
        replicas=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        observed=status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1),
        deadline_message=progressing.get("message", "") if too_late else None,
        failure=_replica_failure(find(conditions, "ReplicaFailure")),
    )


def _replica_failure(condition: Mapping[str, Any]) -> tuple[Reason, str] | None:
    if condition.get("status") != "True":
        return None
    message = condition.get("message", "")
    return refused_by(message), message
