"""How much memory this container may use: never the node's amount."""

import os
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")
_FILES: Final = ("memory.max", "memory/memory.limit_in_bytes")


def available_bytes(cgroup: Path = _CGROUP) -> int:
    """The cgroup's memory limit, else all memory of the machine.

    Args:
        cgroup: where the cgroup file system is mounted.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in _FILES:
        try:
            return min(int((cgroup / name).read_text()), machine)
        except (OSError, ValueError):  # no such file, or "max": no limit
            continue
    return machine
