"""R1: the operator is killed at a write, starts anew, and comes to the same end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import pytest

from tests.faults.actions import Kill
from tests.faults.conftest import Measured, NewTrial
from tests.faults.plan import Injected, Point, moments, run_plan, sample
from tests.faults.reference import Reference, converge, faults
from tests.faults.scenarios import SCENARIOS
from tests.faults.trial import QUIET_SECONDS, Trial
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(7200)]

SAMPLE = 1  # of the points of each scenario; all of them with --long
PORTION = 12


def crash(
    new_trial: NewTrial, wanted: Mapping[str, Reference], plan: Mapping[str, Point[Kill]]
) -> tuple[int, list[str]]:
    """Kill operators one after the other, each at another resource; how many, and what is wrong."""
    kills = Injected(plan)
    ends = {name: wanted[point.scenario.name] for name, point in plan.items()}
    with new_trial() as trial:
        trial.begin({name: point.scenario for name, point in plan.items()})
        trial.proxy.decide = kills.at_write
        for name, point in plan.items():
            kills.only = name  # a late write of another one must not meet its kill now
            trial.go_on(point.scenario, name)
            end = {name: ends[name]}
            if was_killed(trial, end, kills, name):
                trial.revive()
            if wrong := converge(trial, end):
                return len(kills.fired), kills.told(wrong)
        trial.settle(plan)
        return len(kills.fired), kills.told(faults(trial, ends))


def was_killed(
    trial: Trial, end: Mapping[str, Reference], kills: Injected[Kill], name: str
) -> bool:
    """Wait for the kill, or for the end without it."""
    ended = False
    while name not in kills.fired and not ended:
        ended = not faults(trial, end)
        time.sleep(QUIET_SECONDS if ended else 0.05)
    return name in kills.fired


def test_a_crash_at_any_write_leads_to_the_same_end(
    new_trial: NewTrial, measured: Measured, long: bool
) -> None:
    wanted = measured(SCENARIOS)
    points = []
    for scenario in SCENARIOS:
        writes = moments(wanted[scenario.name].writes)
        assert writes, f"{scenario.name} writes nothing: it shows nothing"
        every = [Point(scenario, write, Kill(after)) for write in writes for after in (False, True)]
        points += sample(every, None if long else SAMPLE, scenario.name)
    tally = run_plan(partial(crash, new_trial, wanted), points, PORTION)
    tally.check(0.9 if long else 0.7)
    figure = f"{tally.met} in {len(SCENARIOS)} scenarios; each came to the same end"
    record("R1", "kills", figure)
