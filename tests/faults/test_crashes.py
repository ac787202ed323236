"""R1: the operator is killed at a write, starts anew, and comes to the same end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from functools import partial

import pytest

from tests.faults.actions import Kill
from tests.faults.conftest import NewTrial, References
from tests.faults.plan import Injected, named, run_plan, sample
from tests.faults.reference import Reference
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.trial import QUIET_SECONDS, Trial
from tests.reliability.figures import record

pytestmark = pytest.mark.api

SAMPLE = 2  # points of each scenario; all of them with --long
PORTION = 12

Point = tuple[int, Kill]


def points(wanted: Reference, scenario: Scenario, size: int | None) -> list[Point]:
    writes = range(1, len(wanted.writes) + 1)
    every = itertools.product(writes, (Kill(after=False), Kill(after=True)))
    return sample(every, size, scenario.name)


def crash(
    new_trial: NewTrial, scenario: Scenario, wanted: Reference, portion: Sequence[Point]
) -> tuple[int, list[str]]:
    """Kill operators one after the other, each at another resource; how many, and what is wrong."""
    plan = named(portion)
    kills = Injected(plan)
    with new_trial() as trial:
        trial.begin(scenario, plan)
        trial.proxy.decide = kills.at_write
        for name in plan:
            trial.go_on(scenario, name)
            if was_killed(trial, wanted, kills, name):
                trial.revive()
            wanted.converge(trial, [name])
        trial.settle(plan)
        return len(kills.fired), kills.told(wanted.faults(trial, plan))


def was_killed(trial: Trial, wanted: Reference, kills: Injected[Kill], name: str) -> bool:
    """Wait for the kill, or for the end without it."""
    ended = False
    while name not in kills.fired and not ended:
        ended = not wanted.faults(trial, [name])
        time.sleep(QUIET_SECONDS if ended else 0.05)
    return name in kills.fired


def test_a_crash_at_any_write_leads_to_the_same_end(
    new_trial: NewTrial, references: References, long: bool
) -> None:
    wanted = references(SCENARIOS)
    for name, found in wanted.items():
        assert found.writes, f"{name} writes nothing: it shows nothing"
    size = None if long else SAMPLE
    every = {item.name: points(wanted[item.name], item, size) for item in SCENARIOS}
    tally = run_plan(partial(crash, new_trial), SCENARIOS, every, wanted, PORTION)
    tally.check(0.9)
    record("R1", "kills", f"{tally.met} in {len(every)} scenarios; each came to the same end")
