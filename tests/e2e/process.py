"""The operator as a real process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests.e2e.api import Object, eventually
from tests.ports import reserved_port


class OperatorProcess:
    """`python -m scoring_operator run …`, ready when entered, ended by SIGTERM at the end."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *arguments: str,
        wait: bool = True,
        code: Path | None = None,
    ) -> None:
        self._until_it_ends = contextlib.ExitStack()
        self.port = self._until_it_ends.enter_context(reserved_port())
        self.log = log
        self._wait = wait
        self._code = code  # a folder with another operator than this checkout's
        self._command = [
            *(sys.executable, "-m", "scoring_operator", "run", *arguments),
            *("--kubeconfig", str(kubeconfig), "--port", str(self.port)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OperatorProcess:
        environment = _environment(self._code)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stderr=log, env=environment)
        if self._wait:
            eventually(self.is_ready, "the operator is ready", pause=0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self._until_it_ends.close()
        if error is not None:
            sys.stderr.write(f"--- {self.log}\n{self.log.read_text()[-6000:]}\n")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        assert self._process is not None
        return self._process

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of the process' own endpoint."""
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_ready(self) -> bool:
        """Whether it has seen everything; fails if it has ended."""
        code = self.process.poll()
        assert code is None, f"the operator ended with {code}:\n{self.log.read_text()[-4000:]}"
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def leads(self) -> bool:
        """Whether this process is the leader."""
        try:
            return bool(json.loads(self.get("/healthz")[1])["leader"])
        except OSError:
            return False

    def works(self) -> bool:
        """Whether it looks at something at this moment, or has to."""
        facts = json.loads(self.get("/healthz")[1])
        return bool(facts["queueDepth"] or facts["busySeconds"])

    def metric(self, name: str) -> float:
        """The sum of all samples of a metric whose name and labels begin with `name`."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def logged(self) -> Sequence[Object]:
        """What it has logged; a line that is being written is left out."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]


def _environment(code: Path | None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SCORING_")}
    path = {} if code is None else {"PYTHONPATH": str(code)}
    return {**kept, **path, "PYTHONDONTWRITEBYTECODE": "1"}


_LOOKS_PER_SECOND = 20


def wait_for_quiet(
    operator: OperatorProcess, seconds: float = 1.0, deadline: float = 120.0
) -> None:
    """Wait until the operator has not looked at anything for a while, and has nothing to look at.

    The while is counted in answers of the operator: where it gets little CPU it takes longer.
    """
    end = time.monotonic() + deadline
    looks, calm = -1.0, 0
    while calm < seconds * _LOOKS_PER_SECOND:
        assert time.monotonic() < end, f"the operator is not quiet after {deadline} s"
        time.sleep(1 / _LOOKS_PER_SECOND)
        now = operator.metric("scoring_operator_reconcile_total")
        calm = calm + 1 if now == looks and not operator.works() else 0
        looks = now
