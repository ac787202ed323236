"""The node's cgroups: one below the root of every hierarchy, for version 1, version 2 and both."""

import contextlib
import time
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths

_ROOT = Path("/sys/fs/cgroup")
_DEADLINE_SECONDS = 60.0


def is_version_2() -> bool:
    """Say whether the machine has the unified hierarchy alone."""
    return (_ROOT / "cgroup.controllers").exists()


def _folders(paths: ClusterPaths) -> list[Path]:
    if is_version_2():
        return [_ROOT / paths.cgroup]
    # cpu and cpuacct may be links to one hierarchy: resolve, and name each once.
    hierarchies = {p.resolve() for p in _ROOT.iterdir() if (p / "cgroup.procs").exists()}
    return sorted(hierarchy / paths.cgroup for hierarchy in hierarchies)


def create(paths: ClusterPaths) -> None:
    """Make the cluster's cgroup in every hierarchy, with the controllers that the kubelet wants."""
    for folder in _folders(paths):
        folder.mkdir(exist_ok=True)
        if (folder / "cpuset.mems").exists() and not is_version_2():
            # In version 1 a new cpuset is empty, and nothing may run in it until it is filled.
            for name in ("cpuset.cpus", "cpuset.mems"):
                (folder / name).write_text((folder.parent / name).read_text())
    if is_version_2():
        for folder in (_ROOT, _ROOT / paths.cgroup):
            available = (folder / "cgroup.controllers").read_text().split()
            for controller in ("cpuset", "cpu", "io", "memory", "hugetlb", "pids"):
                if controller in available:
                    _enable(folder, controller)


def _enable(folder: Path, controller: str) -> None:
    try:
        (folder / "cgroup.subtree_control").write_text(f"+{controller}")
    except OSError as error:  # in a container whose processes sit in its topmost cgroup
        raise ClusterError(
            f"the controller {controller} cannot be enabled below {folder} ({error.strerror}); "
            "a real node needs the machine's own cgroups, not a container's"
        ) from error


def remove(paths: ClusterPaths) -> None:
    """Remove the cluster's cgroups; their processes must have been killed."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    for folder in _folders(paths):
        while folder.exists():
            below = sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True)
            for group in [*below, folder]:
                with contextlib.suppress(OSError):  # busy while its last process is still ending
                    group.rmdir()
            if folder.exists():
                if time.monotonic() > deadline:
                    raise ClusterError(f"the cgroup {folder} cannot be removed: it is still in use")
                time.sleep(0.05)


def existing(paths: ClusterPaths) -> list[Path]:
    """Return the cluster's cgroups that are there."""
    return [folder for folder in _folders(paths) if folder.exists()]
