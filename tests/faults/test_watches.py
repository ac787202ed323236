"""R6: an event of a watch is lost, late, or comes twice; the end is the same.

All points of a scenario run at once, each on a resource of its own. An event that is lost while its
watch goes on is nothing that an API server does: at the end all watches expire, as they do after a
broken connection that took too long, and the operator lists anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import pytest

from tests.faults.actions import Cut, Drop, Error, EventAction, Late, Twice
from tests.faults.conftest import NewTrial, References
from tests.faults.plan import Injected, named, run_plan, sample
from tests.faults.reference import Reference
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.streams import EXPIRED
from tests.reliability.figures import record

pytestmark = pytest.mark.api

# Some tenths of a second are within the operator's own steps, three seconds are after them.
DISTORTED: tuple[EventAction, ...] = (Drop(), Late(0.3), Late(3.0), Twice(0.0), Twice(3.0))
BROKEN: tuple[EventAction, ...] = (Cut(), Error(410), Error(500), Error(504), Error(403))
QUICK = ("grow", "scaling-off", "anew")  # without --long
SAMPLE = 16
PORTION = 40

Point = tuple[int, EventAction]


def points(
    actions: Sequence[EventAction], wanted: Reference, scenario: Scenario, long: bool
) -> list[Point]:
    every = itertools.product(range(1, len(wanted.events) + 1), actions)
    return sample(every, None if long else SAMPLE, scenario.name)


def distort(
    new_trial: NewTrial, scenario: Scenario, wanted: Reference, portion: Sequence[Point]
) -> tuple[int, list[str]]:
    """Each resource meets another fault; how many did, and what is wrong."""
    plan = named(portion)
    faults = Injected(plan)
    with new_trial() as trial:
        trial.begin(scenario, plan)
        trial.proxy.streams.decide = faults.at_event
        for name in plan:
            trial.go_on(scenario, name)
        trial.quiet()
        trial.proxy.end_watches(EXPIRED)
        wanted.converge(trial, plan)
        trial.settle(plan)
        return len(faults.fired), faults.told(wanted.faults(trial, plan))


@pytest.mark.parametrize(
    ("part", "actions"),
    [("events lost, late, twice", DISTORTED), ("watches broken at an event", BROKEN)],
    ids=["events", "watches"],
)
def test_a_watch_that_fails_changes_nothing_in_the_end(
    new_trial: NewTrial,
    references: References,
    long: bool,
    part: str,
    actions: Sequence[EventAction],
) -> None:
    chosen = [scenario for scenario in SCENARIOS if long or scenario.name in QUICK]
    wanted = references(chosen)
    every = {item.name: points(actions, wanted[item.name], item, long) for item in chosen}
    tally = run_plan(partial(distort, new_trial), chosen, every, wanted, PORTION)
    tally.check(0.7)
    record("R6", part, f"{tally.met} in {len(every)} scenarios; each came to the same end")
