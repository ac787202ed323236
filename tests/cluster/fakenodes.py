"""Simulated nodes: kwok answers for them, and pods on them are "running" without any process."""

from collections.abc import Callable
from pathlib import Path

from tests.cluster import build, console
from tests.cluster.api import ApiClient, wait_until
from tests.cluster.controlplane import component_kubeconfig
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState
from tests.cluster.units import write_unit

PORTS = ("kwok",)

_START_SECONDS = 60.0


def build_tools() -> Path:
    """Return the folder with kwok."""
    return build.ensure(build.KWOK)


def node_manifest(name: str, gpus: int) -> dict[str, object]:
    """Return a simulated node with 32 CPUs, 256 GiB and ``gpus`` GPUs, without any taint."""
    resources = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110"}
    if gpus:
        resources["nvidia.com/gpu"] = str(gpus)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
            },
        },
        "status": {"capacity": resources, "allocatable": resources},
    }


def start(
    paths: ClusterPaths,
    state: ClusterState,
    api: ApiClient,
    tools: Path,
    check: Callable[[], None],
) -> None:
    """Start kwok, make the nodes, and wait until all are Ready."""
    count = state.request.fake_nodes
    with console.step(f"starting {count} simulated nodes"):
        write_unit(paths, "kwok", _kwok(paths, state, tools))
        for index in range(count):
            api.request(
                "POST", "/api/v1/nodes", node_manifest(f"fake-{index}", state.request.gpus_per_node)
            )
        wait_until(lambda: _ready(api) == count, "the nodes are Ready", _START_SECONDS, check)


def _kwok(paths: ClusterPaths, state: ClusterState, tools: Path) -> list[str]:
    return [
        str(tools / "kwok"),
        f"--kubeconfig={component_kubeconfig(paths, 'kwok')}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        f"--server-address=127.0.0.1:{state.ports['kwok']}",
        "--node-ip=127.0.0.1",
        "--cidr=10.97.0.1/16",
        "--node-lease-duration-seconds=40",
        *(f"--config={tools / Path(stage).name}" for stage in build.KWOK.files),
    ]


def _ready(api: ApiClient) -> int:
    nodes = api.get("/api/v1/nodes")["items"]
    return sum(
        condition["type"] == "Ready" and condition["status"] == "True"
        for node in nodes
        for condition in node["status"].get("conditions", ())
    )
