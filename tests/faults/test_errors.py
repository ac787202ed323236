"""R7: any call fails in any way that calls fail; the end is the same.

Many points run at once, each on a resource of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from tests.faults.actions import Action, Answer, CutBody, Hang, LoseReply
from tests.faults.conftest import Measured, NewTrial
from tests.faults.plan import Injected, Point, moments, run_plan, sample
from tests.faults.reference import Reference, outcome
from tests.faults.scenarios import SCENARIOS
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(7200)]

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
    Hang(35),
)
SAMPLE = 3  # of the points of each scenario; all of them with --long
PORTION = 40


def fail(
    new_trial: NewTrial, wanted: Mapping[str, Reference], plan: Mapping[str, Point[Action]]
) -> tuple[int, list[str]]:
    """Each resource meets another failure; how many did, and what is wrong."""
    failures = Injected(plan)
    ends = {name: wanted[point.scenario.name] for name, point in plan.items()}
    with new_trial() as trial:
        trial.begin({name: point.scenario for name, point in plan.items()})
        trial.proxy.decide = failures.at_call
        for name, point in plan.items():
            trial.go_on(point.scenario, name)
        wrong = failures.told(outcome(trial, ends))
        if trial.restarts:
            wrong.append(f"the operator ended {trial.restarts} times")
        return len(failures.fired), wrong


def test_a_call_that_fails_changes_nothing_in_the_end(
    new_trial: NewTrial, measured: Measured, long: bool
) -> None:
    wanted = measured(SCENARIOS)
    points: list[Point[Action]] = []
    for scenario in SCENARIOS:
        every = [
            Point(scenario, call, action)
            for call in moments(wanted[scenario.name].calls)
            for action in ACTIONS
            if long or not isinstance(action, Hang)  # that takes half a minute
        ]
        points += sample(every, None if long else SAMPLE, scenario.name)
    tally = run_plan(partial(fail, new_trial, wanted), points, PORTION)
    # Without its fault a run has fewer calls than the reference, which is no fault of its own.
    tally.check(0.7)
    figure = f"{tally.met} in {len(SCENARIOS)} scenarios; each came to the same end"
    record("R7", "failed calls", figure)
