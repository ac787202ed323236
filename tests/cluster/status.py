"""How a cluster is: its components, its nodes, and whether all of it is healthy."""

import dataclasses
import json
from typing import Any

from tests.cluster import processes
from tests.cluster.api import ApiClient
from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState


@dataclasses.dataclass(frozen=True)
class Node:
    """A node as the API server sees it."""

    name: str
    ready: bool
    version: str
    gpus: str
    simulated: bool


@dataclasses.dataclass(frozen=True)
class Status:
    """What ``status`` shows."""

    components: dict[str, dict[str, Any]]
    api_ready: bool
    nodes: tuple[Node, ...]

    @property
    def healthy(self) -> bool:
        """All components run, the API server is ready, and so is every node."""
        return (
            self.api_ready
            and all(component["running"] for component in self.components.values())
            and all(node.ready for node in self.nodes)
        )


def observe(paths: ClusterPaths, state: ClusterState) -> Status:
    """Look at the cluster; never raises for what is broken in it."""
    components: dict[str, dict[str, Any]] = {}
    if processes.supervisor(paths) is not None and paths.components.exists():
        components = json.loads(paths.components.read_text())
    api = ApiClient(state.server, paths.certificates)
    try:
        api.get("/readyz")
        nodes = tuple(map(_node, api.get("/api/v1/nodes")["items"]))
    except (OSError, ValueError):
        return Status(components, api_ready=False, nodes=())
    return Status(components, api_ready=True, nodes=nodes)


def _node(manifest: dict[str, Any]) -> Node:
    node_status = manifest["status"]
    conditions = {c["type"]: c["status"] for c in node_status.get("conditions", ())}
    return Node(
        name=manifest["metadata"]["name"],
        ready=conditions.get("Ready") == "True",
        version=node_status.get("nodeInfo", {}).get("kubeletVersion", "") or "?",
        gpus=node_status.get("capacity", {}).get("nvidia.com/gpu", "0"),
        simulated="kwok.x-k8s.io/node" in manifest["metadata"].get("annotations", {}),
    )


def check_healthy(paths: ClusterPaths, state: ClusterState) -> None:
    """Raise ``ClusterError`` where a cluster that is up is not healthy."""
    seen = observe(paths, state)
    if not seen.healthy:
        broken = [name for name, c in seen.components.items() if not c["running"]]
        broken += [node.name for node in seen.nodes if not node.ready]
        what = ", ".join(broken) or "the API server"
        raise ClusterError(
            f"the cluster {state.request.name} is up but not healthy ({what}); logs: {paths.logs}; "
            f"start afresh: python -m tests.cluster down --name {state.request.name}"
        )


def log_tail(paths: ClusterPaths, component: str, lines: int = 15) -> str:
    """Return the last lines of a component's log."""
    log = paths.logs / f"{component}.log"
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
