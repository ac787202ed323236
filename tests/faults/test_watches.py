"""R6: an event of a watch is lost, late, or comes twice; the end is the same.

Many points run at once, each on a resource of its own. An event that is lost while its
watch goes on is nothing that an API server does: at the end all watches expire, as they do after a
broken connection that took too long, and the operator lists anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle

import pytest

from tests.faults.actions import Cut, Drop, Error, EventAction, Late, Twice
from tests.faults.conftest import Measured, NewTrial
from tests.faults.plan import Injected, Point, moments, run_plan, sample
from tests.faults.reference import Reference, converge, outcome
from tests.faults.scenarios import SCENARIOS
from tests.faults.streams import EXPIRED
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(7200)]

# Some tenths of a second are within the operator's own steps, three seconds are after them.
DISTORTED: tuple[EventAction, ...] = (Drop(), Late(0.3), Late(3.0), Twice(0.0), Twice(3.0))
BROKEN: tuple[EventAction, ...] = (Cut(), Error(410), Error(500), Error(504), Error(403))
BROKEN_KINDS = (Cut, Error)
SAMPLE = 3  # of the points of each scenario; all of them with --long
PORTION, PORTION_IN_TURN = 40, 10


def distort(
    new_trial: NewTrial, wanted: Mapping[str, Reference], plan: Mapping[str, Point[EventAction]]
) -> tuple[int, list[str]]:
    """Each resource meets another fault; how many did, and what is wrong."""
    distorted = Injected(plan)
    ends = {name: wanted[point.scenario.name] for name, point in plan.items()}
    with new_trial() as trial:
        trial.begin({name: point.scenario for name, point in plan.items()})
        trial.proxy.streams.decide = distorted.at_event
        for name, point in plan.items():
            if isinstance(point.fault, BROKEN_KINDS):
                # It may end the operator: all others would be past their faults meanwhile.
                distorted.only = name
                trial.go_on(point.scenario, name)
                converge(trial, {name: ends[name]})
            else:
                trial.go_on(point.scenario, name)
        distorted.only = None
        trial.still()
        trial.proxy.end_watches(EXPIRED)
        return len(distorted.fired), distorted.told(outcome(trial, ends))


@pytest.mark.parametrize(
    ("part", "actions"),
    [("events lost, late, twice", DISTORTED), ("watches broken at an event", BROKEN)],
    ids=["events", "watches"],
)
def test_a_watch_that_fails_changes_nothing_in_the_end(
    new_trial: NewTrial,
    measured: Measured,
    long: bool,
    part: str,
    actions: Sequence[EventAction],
) -> None:
    wanted = measured(SCENARIOS)
    points = []
    for scenario in SCENARIOS:
        events = moments(wanted[scenario.name].events)
        if actions is BROKEN:  # in turns, which takes its time: one way at each event
            pairs = zip(events, cycle(actions), strict=False)
            every = [Point(scenario, event, action) for event, action in pairs]
        else:
            every = [Point(scenario, event, action) for event in events for action in actions]
        points += sample(every, None if long else SAMPLE, scenario.name + part)
    portion = PORTION_IN_TURN if actions is BROKEN else PORTION
    tally = run_plan(partial(distort, new_trial, wanted), points, portion)
    tally.check(0.6)
    figure = f"{tally.met} in {len(SCENARIOS)} scenarios; each came to the same end"
    record("R6", part, figure)
