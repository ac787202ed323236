"""What the kernel tells about a server's processes."""

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """What all programs, the kernel and other virtual machines took of the CPUs since the start."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS


def process_tree(root: int) -> list[int]:
    """A process and all that it started, directly or not."""
    found = [root]
    try:
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += process_tree(int(child))
    except OSError:  # it has ended meanwhile
        pass
    return found


def cpu_seconds(pid: int) -> float:
    """Used by a process and those of its children that have ended; 0 where it has ended itself."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    # utime, stime, and those of children that were waited for
    return sum(map(int, fields[11:15])) / _TICKS


def memory_megabytes(pid: int) -> float:
    """Proportional set size: what several processes share counts once; 0 where it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1e3
    except OSError:
        pass
    return 0.0
