"""With pods, on simulated nodes: roll-outs become Ready, and too few GPUs are told as such."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, audited, call, condition, eventually
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service

pytestmark = pytest.mark.api


def ready(api: Api, namespace: str) -> dict[str, str]:
    return condition(api.find("ScoringService", namespace, "faq"), "Ready")


def test_a_service_becomes_ready_with_few_writes(
    fake_api: Api, space: str, fake_operator: OperatorProcess, fake_cluster: Cluster
) -> None:
    log: Path | None = fake_cluster.audit_log
    assert log is not None
    offset = log.stat().st_size
    began = time.monotonic()
    fake_api.apply(scoring_service(space, replicas=2))
    eventually(lambda: ready(fake_api, space).get("status") == "True", "it is ready")
    took = time.monotonic() - began
    status = fake_api.get("ScoringService", space, "faq")["status"]
    assert ready(fake_api, space)["reason"] == "AllReplicasReady"
    assert (status["replicas"], status["readyReplicas"]) == (2, 2)
    wait_for_quiet(fake_operator)
    events = audited(log, offset, namespace=space)
    writes = Counter(call(event) for event in events if event["verb"] != "get")
    # Begun, available with the first pod, ready; what is under way is worth one a second.
    assert writes.pop("patch scoringservices/status") <= 3 + int(took)
    children = ("services", "networkpolicies", "poddisruptionbudgets", "deployments")
    # One Event, that it is ready.
    assert writes == {**{f"patch {plural}": 1 for plural in children}, "create events": 1}


def test_suspending_takes_the_pods_away_and_resuming_brings_them_back(
    fake_api: Api, space: str
) -> None:
    fake_api.apply(scoring_service(space))
    eventually(lambda: ready(fake_api, space).get("status") == "True", "it is ready")
    fake_api.apply(scoring_service(space, suspend=True))
    eventually(lambda: ready(fake_api, space).get("reason") == "Suspended", "it is suspended")
    eventually(lambda: fake_api.list("Pod", space) == [], "the pods are gone", 120, pause=0.1)
    fake_api.apply(scoring_service(space))
    eventually(lambda: ready(fake_api, space).get("reason") == "AllReplicasReady", "it is back")


def on_gpus(count: int, replicas: int) -> dict[str, Any]:
    """A spec for so many pods with so many GPUs each, and little else."""
    return {
        "model": {"type": "image-classification"},
        "hardware": {"type": "gpu", "gpu": {"count": count}},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "replicas": replicas,
    }


def test_too_few_gpus_are_told_in_the_schedulers_words(fake_api: Api, space: str) -> None:
    fake_api.apply(scoring_service(space, **on_gpus(1, replicas=5)))

    def lacking() -> dict[str, str]:
        found = ready(fake_api, space)
        return found if found.get("reason") == "InsufficientAccelerators" else {}

    told = eventually(lacking, "the reason is told")
    assert told["status"] == "False"
    assert "Insufficient nvidia.com/gpu" in told["message"]
    eventually(
        lambda: fake_api.get("ScoringService", space, "faq")["status"].get("readyReplicas") == 4,
        "four GPUs are in use",
    )
    resource = fake_api.get("ScoringService", space, "faq")
    assert resource["status"]["lastFailure"]["reason"] == "InsufficientAccelerators"
    assert condition(resource, "Available")["status"] == "True"
    fake_api.apply(scoring_service(space, **on_gpus(1, replicas=4)))
    eventually(lambda: ready(fake_api, space).get("status") == "True", "four fit")


def test_a_full_gpu_node_is_rolled_out_in_place(fake_api: Api, space: str) -> None:
    fake_api.apply(scoring_service(space, **on_gpus(2, replicas=2)))
    eventually(lambda: ready(fake_api, space).get("status") == "True", "all GPUs are in use")
    fake_api.apply(scoring_service(space, **on_gpus(2, replicas=2), image="scoring:next"))

    def rolled_out() -> bool:
        # No pod is asked for beside those that have the GPUs: it would never find one. (There may
        # be one for a moment: who makes new pods and who ends old ones do not wait for each other.)
        assert sum(s["spec"]["replicas"] for s in fake_api.list("ReplicaSet", space)) <= 2
        resource = fake_api.get("ScoringService", space, "faq")
        current = resource["status"]["observedGeneration"] == resource["metadata"]["generation"]
        return current and condition(resource, "Ready").get("status") == "True"

    eventually(rolled_out, "the new image runs on all GPUs", 120, pause=0.1)
    status = fake_api.get("ScoringService", space, "faq")["status"]
    assert (status["updatedReplicas"], status["image"]) == (2, "scoring:next")
