"""How many CPUs this container may use: never the node's number."""

import os
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")


def available_cpus(cgroup: Path = _CGROUP) -> float:
    """The cgroup's CPU limit, else the number of CPUs that this process may run on.

    Args:
        cgroup: where the cgroup file system is mounted.
    """
    affinity = float(len(os.sched_getaffinity(0)))
    limit = _limit_v2(cgroup / "cpu.max") or _limit_v1(cgroup / "cpu")
    return min(limit, affinity) if limit else affinity


def _limit_v2(path: Path) -> float | None:
    """`cpu.max` holds "<quota> <period>" in microseconds, or "max <period>"."""
    try:
        quota, period = path.read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # no such file, or "max": no limit
        return None


def _limit_v1(folder: Path) -> float | None:
    """A quota of -1 is no limit."""
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 else None
