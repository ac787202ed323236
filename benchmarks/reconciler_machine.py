"""Whether the machine had something else to do while it was measured."""

import os
import time
from pathlib import Path


class Others:
    """The CPU of all processes but this one and those whose command line has one of some words."""

    def __init__(self, *words: str) -> None:
        """From now on."""
        self._words = [word.encode() for word in words]
        self._began, self._busy = time.monotonic(), self._taken()

    def cores(self) -> float:
        """How many cores the others have taken since, on average."""
        return max(0.0, (self._taken() - self._busy) / (time.monotonic() - self._began))

    def _taken(self) -> float:
        """Seconds of CPU of the machine, less ours."""
        user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
        ours = sum(
            _ticks(folder) for folder in Path("/proc").glob("[0-9]*") if self._is_ours(folder)
        )
        return (user + nice + system - ours) / os.sysconf("SC_CLK_TCK")

    def _is_ours(self, process: Path) -> bool:
        if process.name == str(os.getpid()):
            return True
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:  # it has just ended
            return False
        return any(word in command for word in self._words)


def _ticks(process: Path) -> int:
    try:
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
