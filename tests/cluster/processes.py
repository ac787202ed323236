"""Finds and ends the processes of a cluster by a mark in their environment.

The mark outlives a crash of whatever started them and cannot be confused by process ids that are
used again, as a file of ids could be.
"""

import contextlib
import dataclasses
import os
import signal
import time
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths

MARK = "SCORING_CLUSTER_ROOT"

_DEADLINE_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Process:
    """A running process: its id on the host and its command line."""

    pid: int
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        """The name of the command, such as ``kube-apiserver``."""
        return Path(self.arguments[0]).name if self.arguments else ""


def marked(paths: ClusterPaths) -> list[Process]:
    """Return the processes that carry the cluster's mark (without root: those of this user)."""
    wanted = f"{MARK}={paths.root}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                arguments = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                found.append(Process(int(folder.name), tuple(os.fsdecode(a) for a in arguments)))
    return found


def supervisor(paths: ClusterPaths) -> Process | None:
    """Return the cluster's supervisor: the process whose children the components are."""
    for process in marked(paths):
        if "tests.cluster.supervisor" in process.arguments and process.command != "unshare":
            return process
    return None


def kill_all(paths: ClusterPaths) -> None:
    """Kill every process of the cluster and wait until none is left."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while remaining := marked(paths):
        if time.monotonic() > deadline:
            listed = ", ".join(f"{p.pid} {p.command}" for p in remaining)
            raise ClusterError(f"these processes of the cluster do not end: {listed}")
        for process in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.02)
