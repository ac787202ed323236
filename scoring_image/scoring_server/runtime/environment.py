"""What must be in place before numpy, torch, OpenVINO or prometheus_client are imported."""

import contextlib
import ctypes
import os
import resource
import shutil
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

# Of malloc.h.
_M_MMAP_THRESHOLD: Final = -3
_LARGE_BLOCK_BYTES: Final = 2 * 1024 * 1024
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def prepare(environment: MutableMapping[str, str], *, maths_threads: int, scratch: Path) -> None:
    """Bound the maths libraries' threads and give the metrics their folder.

    Args:
        environment: os.environ.
        maths_threads: of each library in each worker.
        scratch: see fresh_scratch.
    """
    for name in _THREAD_VARIABLES:
        environment[name] = str(maths_threads)
    # What torch.compile makes. Its default is named after the user, who has no name in a container.
    cache = environment.get("SCORING_TORCH_CACHE_DIR") or str(Path(tempfile.gettempdir(), "torch"))
    environment["TORCHINDUCTOR_CACHE_DIR"] = cache
    metrics = scratch / "metrics"
    metrics.mkdir()
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


def allow_descriptors(count: int) -> None:
    """Raise the limit of open descriptors to `count`, as far as this process may.

    Container runtimes leave it at 1,024 for programs that use select(), which this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def return_large_blocks() -> None:
    """Let glibc give blocks of 2 MiB and more back to the system when they are freed.

    Left alone, it keeps blocks up to the largest that was ever freed, in each of many arenas: a
    dozen bodies of 10 MB, one after the other, made a worker 100 MB larger for good.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library has other habits
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def fresh_scratch(port: int) -> Path:
    """An empty folder in memory for the workers' heartbeats and metrics.

    Its name is fixed by the port, so that a container that is killed and started again finds and
    removes what the one before it left.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    base = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    path = base / f"scoring-server-{port}"
    _remove_own(path)
    path.mkdir(mode=0o700)
    return path


def _remove_own(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    # Others may write to the same base: what is theirs is left alone, and mkdir then fails.
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
        shutil.rmtree(path)
