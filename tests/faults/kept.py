"""An operator that is kept running, as the kubelet does: ended or unhealthy, it is started anew."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.trial import Trial

# The chart's probes: of the start, and from then on.
STARTUP_SECONDS = 120.0
PROBE_SECONDS = 10.0
PROBE_FAILURES = 3


class Kept:
    """The operator of a trial under a kubelet's eyes."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.restarts = 0
        self._failures = 0
        self._probed_at = time.monotonic()
        self._starting_until: float | None = None
        """When it must have been healthy for the first time; None once it was."""
        trial.start()

    def tend(self) -> None:
        """Do what the kubelet would do now."""
        if time.monotonic() - self._probed_at >= PROBE_SECONDS:
            self._probe()
        if self._failures >= PROBE_FAILURES:
            self.trial.kill()
            self.trial.operator.process.wait()
        if self.trial.operator.process.poll() is not None:
            self.restarts += 1
            self._failures = 0
            self._starting_until = time.monotonic() + STARTUP_SECONDS
            self.trial.start(wait=False)

    def _probe(self) -> None:
        self._probed_at = time.monotonic()
        if self._is_healthy():
            self._failures, self._starting_until = 0, None
        elif self._starting_until is None or self._probed_at > self._starting_until:
            self._failures += 1

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
