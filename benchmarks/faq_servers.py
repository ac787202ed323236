"""Server processes under measurement: how fast they start, how much memory they take."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType

from benchmarks.faq_wsgi import MODEL_VARIABLE
from tests.ports import free_port

_PATIENCE_SECONDS = 120.0
ROOT = Path(__file__).parents[1]


class Server:
    """A server on loopback; ends with the with-block.

    Attributes:
        port: where it listens.
        start_seconds: from the start of the process to the first time it said it is ready.
    """

    def __init__(self, command: list[str], variables: dict[str, str], port: int, log: Path) -> None:
        self.port = port
        with log.open("wb") as stream:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **variables},
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(log)
        except BaseException:
            self._end()
            raise
        self.start_seconds = time.perf_counter() - started

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def memory_megabytes(self) -> float:
        """Proportional set size of all its processes: what they share counts once."""
        return sum(map(_pss, _tree(self._process.pid))) / 1e3

    def worker_megabytes(self) -> float:
        """Proportional set size of the largest process that has no children: a worker."""
        workers = [pid for pid in _tree(self._process.pid) if not _children(pid)]
        return max(map(_pss, workers)) / 1e3

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=5)
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"a server did not start: {log.read_text(errors='replace')[-2000:]}")

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def ours(model: Path, cores: int, log: Path) -> Server:
    """scoring-server with its own defaults for so many cores."""
    port = free_port()
    variables = {
        "SCORING_MODEL_TYPE": "faq-matching",
        "SCORING_MODEL_PATH": str(model),
        "SCORING_PORT": str(port),
        "SCORING_CPUS": str(cores),
        "SCORING_TERMINATION_LOG": str(log.with_suffix(".termination")),
    }
    return Server([_script("scoring-server")], variables, port, log)


def peer(model: Path, cores: int, log: Path, *, threads: int = 1) -> Server:
    """A peer behind gunicorn: one worker per core, sync as is gunicorn's default, or with threads.

    Args:
        model: the peer's file.
        cores: how many workers.
        log: where its output goes.
        threads: more than 1: the worker class gthread, which keeps connections open.
    """
    port = free_port()
    command = [_script("gunicorn"), "benchmarks.faq_wsgi:application()"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(cores), "--threads", str(threads)]
    command += ["--timeout", "120", "--no-control-socket"]
    return Server(command, {MODEL_VARIABLE: str(model), "OMP_NUM_THREADS": "1"}, port, log)


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _tree(root: int) -> list[int]:
    return [root, *(pid for child in _children(root) for pid in _tree(child))]


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
