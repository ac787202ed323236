"""A memory limit for the processes of a test, as a container has one."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_V1: Final = Path("/sys/fs/cgroup/memory")
_V2: Final = Path("/sys/fs/cgroup")


class MemoryCgroup:
    """A control group of a test's own."""

    def __init__(self, folder: Path, limit_file: str, usage_file: str) -> None:
        self._folder = folder
        self._limit_file = folder / limit_file
        self._usage_file = folder / usage_file

    def add(self, pid: int) -> None:
        """Put a process into it, and those that it will start."""
        (self._folder / "cgroup.procs").write_text(str(pid))

    def limit(self, further_bytes: int) -> None:
        """Allow so much more than is used now."""
        used = int(self._usage_file.read_text())
        self._limit_file.write_text(str(used + further_bytes))

    def remove(self) -> None:
        """Once its processes have ended."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self._folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


@contextmanager
def memory_cgroup() -> Iterator[MemoryCgroup]:
    """One for a with-block; the test is skipped where it cannot be made."""
    name = f"scoring-load-{os.getpid()}"
    try:
        if _V1.is_dir():
            folder = _V1 / name
            folder.mkdir()
            group = MemoryCgroup(folder, "memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            folder = _V2 / name
            folder.mkdir()
            group = MemoryCgroup(folder, "memory.max", "memory.current")
    except OSError as error:
        pytest.skip(f"needs to make a memory cgroup: {error}")
    try:
        yield group
    finally:
        group.remove()
