"""R7: any call fails in any way that calls fail; the end is the same.

All points of a scenario run at once, each on a resource of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import pytest

from tests.faults.actions import Action, Answer, CutBody, Hang, LoseReply
from tests.faults.conftest import NewTrial, References
from tests.faults.plan import Injected, named, run_plan, sample
from tests.faults.reference import Reference
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.reliability.figures import record

pytestmark = pytest.mark.api

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
QUICK = ("grow", "scaling-off", "anew")  # without --long
SAMPLE = 12
PORTION = 40

Point = tuple[int, Action]


def points(wanted: Reference, scenario: Scenario, long: bool) -> list[Point]:
    # A call that hangs takes half a minute.
    actions = ACTIONS if long else ACTIONS[:-1]
    every = itertools.product(range(1, len(wanted.calls) + 1), actions)
    return sample(every, None if long else SAMPLE, scenario.name)


def fail(
    new_trial: NewTrial, scenario: Scenario, wanted: Reference, portion: Sequence[Point]
) -> tuple[int, list[str]]:
    """Each resource meets another failure; how many did, and what is wrong."""
    plan = named(portion)
    faults = Injected(plan)
    with new_trial() as trial:
        trial.begin(scenario, plan)
        trial.proxy.decide = faults.at_call
        for name in plan:
            trial.go_on(scenario, name)
        wanted.converge(trial, plan)
        trial.settle(plan)
        return len(faults.fired), faults.told(wanted.faults(trial, plan))


def test_a_call_that_fails_changes_nothing_in_the_end(
    new_trial: NewTrial, references: References, long: bool
) -> None:
    chosen = [scenario for scenario in SCENARIOS if long or scenario.name in QUICK]
    wanted = references(chosen)
    every = {item.name: points(wanted[item.name], item, long) for item in chosen}
    tally = run_plan(partial(fail, new_trial), chosen, every, wanted, PORTION)
    tally.check(0.8)
    record(
        "R7", "failed calls", f"{tally.met} in {len(every)} scenarios; each came to the same end"
    )
