"""What was asked of a cluster and what was picked for it, kept as JSON in its folder."""

import dataclasses
import ipaddress
import json
from typing import Any, Literal, Self

from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths

Nodes = Literal["none", "fake", "real"]


@dataclasses.dataclass(frozen=True)
class Request:
    """What ``up`` was asked for."""

    name: str
    nodes: Nodes = "none"
    fake_nodes: int = 0
    gpus_per_node: int = 0
    # Tests wait for controllers: these may ask more often than by Kubernetes' defaults.
    brisk: bool = True

    def __post_init__(self) -> None:
        """Refuse options that do not go together."""
        if self.fake_nodes < 0 or self.gpus_per_node < 0:
            raise ClusterError("the numbers of nodes and GPUs cannot be negative")
        if self.nodes == "fake" and self.fake_nodes == 0:
            raise ClusterError("--nodes fake needs --fake-nodes N with N of at least 1")
        if self.nodes != "fake" and self.fake_nodes:
            raise ClusterError("--fake-nodes is for --nodes fake")
        if self.nodes == "none" and self.gpus_per_node:
            raise ClusterError("--gpus-per-node needs nodes: --nodes real or --nodes fake")


@dataclasses.dataclass(frozen=True)
class Network:
    """The addresses of a cluster with a real node, all out of one block that is its alone."""

    block: str
    services: str
    pods: str
    host_address: str
    node_address: str


@dataclasses.dataclass(frozen=True)
class ClusterState:
    """The request, the version, and where things listen; no ``network`` without a real node."""

    request: Request
    version: str
    ports: dict[str, int]
    network: Network | None = None
    owned: bool = False
    ready: bool = False

    @property
    def address(self) -> str:
        """The API server's address."""
        return self.network.node_address if self.network else "127.0.0.1"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.ports['kube-apiserver']}"

    @property
    def services(self) -> str:
        """The block of the Services' cluster addresses."""
        return self.network.services if self.network else "10.96.0.0/16"

    @property
    def kubernetes_service(self) -> str:
        """The cluster address of the Service ``kubernetes``: the first of the block."""
        return str(ipaddress.ip_network(self.services)[1])

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context."""
        return f"scoring-{self.request.name}"

    @property
    def node_name(self) -> str:
        """The name of the real node."""
        return f"{self.request.name}-node"

    def save(self, paths: ClusterPaths) -> None:
        """Write the state; a reader sees the old or the new one, whole."""
        unfinished = paths.state.with_suffix(".new")
        unfinished.write_text(json.dumps(dataclasses.asdict(self), indent=1))
        unfinished.rename(paths.state)

    @classmethod
    def load(cls, paths: ClusterPaths) -> Self | None:
        """Read the state, or return None where there is none that can be read."""
        try:
            read: dict[str, Any] = json.loads(paths.state.read_text())
            network = read["network"]
            return cls(
                request=Request(**read["request"]),
                version=read["version"],
                ports=read["ports"],
                network=Network(**network) if network else None,
                owned=read["owned"],
                ready=read["ready"],
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None
