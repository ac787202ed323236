"""Simulated nodes: pods "run" there at once, and GPUs are counted."""

import json
import time

import pytest

from tests.cluster.fixtures import Cluster

pytestmark = pytest.mark.api

_DEADLINE_SECONDS = 90.0


def _pod(name: str, gpus: int) -> str:
    limits = {"nvidia.com/gpu": str(gpus)} if gpus else {}
    container = {"name": "c", "image": "localhost/none:1", "resources": {"limits": limits}}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container]},
        }
    )


def _wait_for(cluster: Cluster, pod: str, path: str, wanted: str) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    seen = ""
    while wanted not in seen:
        assert time.monotonic() < deadline, f"{pod}: {seen!r}, not {wanted!r}"
        seen = cluster.kubectl("get", "pod", pod, "-o", f"jsonpath={path}")
        time.sleep(0.1)


def test_a_pod_becomes_ready_without_an_image(fake_cluster: Cluster) -> None:
    fake_cluster.kubectl("apply", "-f", "-", stdin=_pod("simulated", gpus=0))
    _wait_for(fake_cluster, "simulated", '{.status.conditions[?(@.type=="Ready")].status}', "True")
    fake_cluster.kubectl("delete", "pod", "simulated")


def test_a_pod_that_wants_more_gpus_than_a_node_has_stays_pending(fake_cluster: Cluster) -> None:
    for name, gpus in (("fits", 2), ("does-not-fit", 3)):
        fake_cluster.kubectl("apply", "-f", "-", stdin=_pod(name, gpus))
    _wait_for(fake_cluster, "fits", "{.status.phase}", "Running")
    message = '{.status.conditions[?(@.type=="PodScheduled")].message}'
    _wait_for(fake_cluster, "does-not-fit", message, "Insufficient nvidia.com/gpu")
    fake_cluster.kubectl("delete", "pod", "fits", "does-not-fit")
