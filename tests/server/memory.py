"""What a process holds of memory, in megabytes; "self" is the one that asks."""

from pathlib import Path


def resident(pid: int | str) -> float:
    """Now."""
    return _megabytes(pid, "VmRSS")


def peak(pid: int | str) -> float:
    """The most that it has held since `forget_peak`."""
    return _megabytes(pid, "VmHWM")


def forget_peak(pid: int | str) -> None:
    """From now on `peak` counts anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _megabytes(pid: int | str, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError(f"this kernel does not tell {field}")
