"""Small builders of resources and observed objects for the operator's unit tests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scoring_operator.api import API_VERSION, KIND, ScoringService

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOW_TEXT = "2026-03-01T12:00:00Z"


def resource(
    spec: Mapping[str, Any] | None = None,
    *,
    name: str = "faq",
    namespace: str = "ml",
    generation: int = 1,
) -> dict[str, Any]:
    """A ScoringService as the API server gives it; the smallest valid spec unless told."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": "0a1b",
            "generation": generation,
        },
        "spec": {"model": {"type": "faq-matching"}, **(spec or {})},
    }


def service(spec: Mapping[str, Any] | None = None, **metadata: Any) -> ScoringService:
    """A parsed ScoringService."""
    return ScoringService.parse(resource(spec, **metadata))


IMAGE_CPU = {"model": {"type": "image-classification"}}
IMAGE_GPU = {"model": {"type": "image-classification"}, "hardware": {"type": "gpu"}}


def deployment(
    *,
    desired: int = 1,
    replicas: int | None = None,
    updated: int | None = None,
    ready: int | None = None,
    generation: int = 1,
    observed_generation: int | None = None,
    conditions: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A live Deployment; fully rolled out unless told."""
    counts = {
        "replicas": desired if replicas is None else replicas,
        "updatedReplicas": desired if updated is None else updated,
        "readyReplicas": desired if ready is None else ready,
        "availableReplicas": desired if ready is None else ready,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "faq", "namespace": "ml", "generation": generation},
        "spec": {"replicas": desired},
        "status": {
            "observedGeneration": generation
            if observed_generation is None
            else observed_generation,
            **{key: value for key, value in counts.items() if value},
            "conditions": conditions or [],
        },
    }


def pod(
    name: str = "faq-1",
    *,
    ready: bool = False,
    phase: str = "Running",
    created: str = "2026-03-01T11:00:00Z",
    conditions: list[dict[str, Any]] | None = None,
    containers: list[dict[str, Any]] | None = None,
    init_containers: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A pod of the service; running and not ready unless told."""
    return {
        "metadata": {"name": name, "namespace": "ml", "creationTimestamp": created},
        "status": {
            "phase": phase,
            "conditions": [
                *(conditions or []),
                {"type": "Ready", "status": "True" if ready else "False"},
            ],
            "containerStatuses": containers or [],
            "initContainerStatuses": init_containers or [],
        },
    }


def unschedulable(message: str) -> list[dict[str, Any]]:
    """Pod conditions when the scheduler finds no node."""
    return [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
        }
    ]


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """A container status that waits."""
    return {
        "name": "scoring",
        "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}},
    }


def crashed(
    exit_code: int, message: str = "", *, reason: str = "Error", restarts: int = 1
) -> dict[str, Any]:
    """A container status in the kubelet's back-off after an exit."""
    return {
        "name": "scoring",
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        "lastState": {"terminated": {"exitCode": exit_code, "reason": reason, "message": message}},
    }
