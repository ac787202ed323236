"""An operator that is kept running, as the kubelet does: ended or unhealthy, it is started anew."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.trial import Trial

# The chart's liveness probe.
PROBE_SECONDS = 10.0
PROBE_FAILURES = 3


class Kept:
    """The operator of a trial under a kubelet's eyes."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.restarts = 0
        self._failures = 0
        self._probed_at = time.monotonic()
        trial.start()

    def tend(self) -> None:
        """Do what the kubelet would do now."""
        if time.monotonic() - self._probed_at >= PROBE_SECONDS:
            self._probed_at = time.monotonic()
            self._failures = 0 if self._is_healthy() else self._failures + 1
        if self._failures >= PROBE_FAILURES:
            self.trial.kill()
            self.trial.operator.process.wait()
        if self.trial.operator.process.poll() is not None:
            self.restarts += 1
            self._failures = 0
            self.trial.start(wait=False)

    def until(self, check: Callable[[], bool], deadline: float) -> bool:
        """Tend until `check` is true; false where that is not so by `deadline` (monotonic)."""
        while not check():
            if time.monotonic() > deadline:
                return False
            self.tend()
            time.sleep(0.2)
        return True

    def _is_healthy(self) -> bool:
        try:
            return self.trial.operator.get("/healthz")[0] == 200
        except OSError:
            return False
