"""Whose connections a worker has, and die with it."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_STOPPED: Final = "T"
_READINGS: Final = 3


def kill(pid: int) -> set[int]:
    """Kill a process; the ports of the clients whose connections it had.

    It is stopped first, so that it neither takes nor ends a connection while they are read.
    """
    os.kill(pid, signal.SIGSTOP)
    while any(_state(task) != _STOPPED for task in Path(f"/proc/{pid}/task").iterdir()):
        time.sleep(0.001)
    found = client_ports(pid)
    os.kill(pid, signal.SIGKILL)
    return found


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return _STOPPED  # for good


def client_ports(pid: int) -> set[int]:
    """The ports of the clients whose connections a process has."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            kind, _, inode = descriptor.readlink().name.partition(":")
            if kind == "socket":
                sockets.add(inode.strip("[]"))
    ports = set()
    # A table is read piece by piece while others' connections come and go, and may lack a line.
    for table in _TABLES * _READINGS:
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in sockets:
                ports.add(int(fields[2].rpartition(":")[2], 16))
    return ports
