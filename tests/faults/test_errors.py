"""R7: any call fails in any way that calls fail; the end is the same.

All points of a scenario run at once, each on a resource of its own.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.actions import Action, Answer, CutBody, Hang, LoseReply
from tests.faults.calls import Call
from tests.faults.reference import Reference, begin, reference
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.trial import Trial, belongs

pytestmark = pytest.mark.api

NewTrial = Callable[[], Trial]
ACTIONS: tuple[Action, ...] = (
    Answer(403),
    Answer(409),
    Answer(429, retry_after=1),
    Answer(500),
    Answer(503),
    Answer(503, retry_after=1),
    Answer(504),
    LoseReply(),
    CutBody(),
)
LONG_ACTIONS = (*ACTIONS, Hang(35))
SAMPLE = 12
# What is refused for good, as far as the operator can tell, is tried again every 30 s.
HEALED_SECONDS = 75.0


class Injected:
    """Faults by resource: at which of the calls about it, and what happens."""

    def __init__(self, points: dict[str, tuple[int, Action]]) -> None:
        self._points = points
        self._seen: Counter[str] = Counter()
        self.fired: dict[str, str] = {}

    def __call__(self, call: Call) -> Action | None:
        if call.verb == "watch" or call.resource == "events":
            return None
        for name, (number, action) in self._points.items():
            if belongs(call, name):
                self._seen[name] += 1
                if self._seen[name] == number:
                    self.fired[name] = f"{action} at call {number}: {call.text}"
                    return action
        return None


def points(wanted: Reference, scenario: Scenario, whole: bool) -> dict[str, tuple[int, Action]]:
    every = [
        (number, action)
        for number in range(1, len(wanted.calls) + 1)
        for action in (LONG_ACTIONS if whole else ACTIONS)
    ]
    chosen = every if whole else random.Random(scenario.name).sample(every, SAMPLE)
    return {f"p{index:03}x": point for index, point in enumerate(chosen)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_call_that_fails_changes_nothing_in_the_end(
    new_trial: NewTrial, scenario: Scenario, long: bool
) -> None:
    wanted = reference(new_trial, scenario)
    faults = Injected(chosen := points(wanted, scenario, long))
    with new_trial() as trial:
        begin(trial, scenario, list(chosen))
        trial.proxy.decide = faults
        for name in chosen:
            trial.apply(scenario.after, name)
        wrong = {name: ["never looked at"] for name in chosen}
        deadline = time.monotonic() + HEALED_SECONDS
        while wrong and time.monotonic() < deadline:
            time.sleep(1)
            wrong = {name: found for name in wrong if (found := wanted.faults(trial, name))}
        trial.settle(chosen)
        wrong = {name: found for name in chosen if (found := wanted.faults(trial, name))}
    assert not wrong, "\n".join(
        f"{faults.fired.get(name, 'no fault')}: {fault}"
        for name, found in wrong.items()
        for fault in found
    )
    # Without its fault a run has fewer calls than the reference, which is no fault of its own.
    assert len(faults.fired) >= 0.8 * len(chosen), f"only {len(faults.fired)} faults were met"
