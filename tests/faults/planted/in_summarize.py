"""Bugs of the status."""

from tests.faults.planted.bug import UNIT, Bug

_TESTS = f"{UNIT}/status"

BUGS = (
    Bug(
        "a Deployment that was not observed yet counts as rolled out",
        "status/rollout.py",
        'observed=status.get("observedGeneration", 0) >= ',
        "observed=True or ",
        _TESTS,
    ),
    Bug(
        "pods of the old template count as the new one's",
        "status/rollout.py",
        "return self.current and (",
        "return self.observed and (",
        _TESTS,
    ),
    Bug(
        "a service that is stalled is reconciling too",
        "status/summarize.py",
        "    elif not verdict.ready:",
        "    if not verdict.ready:",
        _TESTS,
    ),
    Bug(
        "transition times move with every look",
        "status/conditions.py",
        'before["lastTransitionTime"] if same else self._now',
        "self._now",
        _TESTS,
    ),
    Bug(
        "a change that begins leaves the service ready",
        "status/summarize.py",
        'conditions.set("Ready", False, Reason.ROLLOUT_IN_PROGRESS, "the change is being applied")',
        'conditions.keep("Ready")',
        _TESTS,
    ),
    Bug(
        "a refusal is told and never tried again",
        "status/summarize.py",
        "return _BLOCKED_LOOK_SECONDS if blocked else None",
        "return None",
        _TESTS,
    ),
)
