"""Where things lie: the cache outside the checkout, and one folder per cluster."""

import dataclasses
import hashlib
import os
import re
from pathlib import Path

from tests.cluster.errors import ClusterError

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent

# A DNS label, short enough that names made from it (nodes, links, cgroups) stay legal.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")


def cache_root() -> Path:
    """Return ``$SCORING_CACHE``, or ``~/.cache/scoring-operator`` where it is unset."""
    configured = os.environ.get("SCORING_CACHE")
    root = Path(configured) if configured else Path.home() / ".cache" / "scoring-operator"
    return root.absolute()


@dataclasses.dataclass(frozen=True)
class ClusterPaths:
    """The files of one cluster; everything that it leaves on disk is under ``root``."""

    root: Path

    @property
    def state(self) -> Path:
        """What was asked for and what was picked (ports, addresses), as JSON."""
        return self.root / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def certificates(self) -> Path:
        """Keys and certificates of every component."""
        return self.root / "pki"

    @property
    def configuration(self) -> Path:
        """Configuration files of the components."""
        return self.root / "etc"

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.root / "logs"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: one JSON object a line."""
        return self.logs / "audit.log"

    @property
    def units(self) -> Path:
        """What the supervisor is to run (see ``supervisor.py``)."""
        return self.root / "units"

    @property
    def components(self) -> Path:
        """What the supervisor runs, how often it started each again, and with which exit codes."""
        return self.root / "components.json"

    @property
    def data(self) -> Path:
        """etcd's, the kubelet's and containerd's data."""
        return self.root / "data"

    @property
    def containerd_socket(self) -> Path:
        """Inside the node's own mount namespace, so the path can be the same in every cluster."""
        return Path("/run/containerd/containerd.sock")

    @property
    def identity(self) -> str:
        """Eight hexadecimal digits that are this cluster's alone on this machine."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def cgroup(self) -> str:
        """The cgroup, below the root of each hierarchy, under which the node's pods live."""
        return f"scoring-{self.identity}"


def clusters_root() -> Path:
    """Return the folder that holds one folder per cluster."""
    return cache_root() / "clusters"


def cluster_paths(name: str) -> ClusterPaths:
    """Return the paths of the cluster ``name``; raise ``ClusterError`` for an unusable name."""
    if not _NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot name a cluster: lower-case letters, digits and '-', "
            "starting with a letter, at most 30 characters"
        )
    return ClusterPaths(clusters_root() / name)


def cluster_names() -> list[str]:
    """Return the names of the clusters that have left something on disk, running or not."""
    root = clusters_root()
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if p.is_dir() and _NAME.fullmatch(p.name))
