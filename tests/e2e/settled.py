"""Whether Kubernetes' controllers have had their say: what they tell later wakes the operator."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.api import Api, Object, condition, eventually
from tests.e2e.process import OperatorProcess, wait_for_quiet


def wait_until_settled(api: Api, namespace: str, operator: OperatorProcess) -> None:
    """Wait until the controllers have nothing more to tell of a namespace, nor the operator."""
    eventually(lambda: not unsettled(api, namespace), "the controllers are done", pause=0.05)
    wait_for_quiet(operator)


def unsettled(api: Api, namespace: str) -> list[str]:
    """Objects whose controllers are not done."""
    return [
        f"{kind} {found['metadata']['name']}"
        for kind, is_done in _DONE.items()
        for found in api.list(kind, namespace)
        if not is_done(found)
    ]


def _is_observed(found: Object) -> bool:
    observed = found.get("status", {}).get("observedGeneration")
    return bool(observed == found["metadata"]["generation"])


def _has_its_pods(deployment: Object) -> bool:
    if condition(deployment, "ReplicaFailure"):
        return True  # pods that are refused (an unknown PriorityClass) will not come
    made = deployment.get("status", {}).get("updatedReplicas", 0)
    return bool(made == deployment["spec"]["replicas"])


_DONE: dict[str, Callable[[Object], bool]] = {
    "ScoringService": _is_observed,
    "Deployment": lambda found: _is_observed(found) and _has_its_pods(found),
    "PodDisruptionBudget": _is_observed,
    "HorizontalPodAutoscaler": lambda found: bool(found.get("status", {}).get("conditions")),
    "Pod": lambda found: bool(condition(found, "PodScheduled")),
}
