"""R1: the operator is killed at a write, starts anew, and comes to the same end."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.faults.actions import Action, Kill
from tests.faults.calls import Call
from tests.faults.reference import Reference, begin, reference
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.trial import Trial

pytestmark = pytest.mark.api

NewTrial = Callable[[], Trial]
SAMPLE = 2  # points of each scenario; all of them with --long


def kill_at(write: int, after: bool) -> Callable[[Call], Action | None]:
    return lambda call: Kill(after) if call.write == write else None


def crash(trial: Trial, scenario: Scenario, write: int, after: bool) -> None:
    begin(trial, scenario)
    trial.proxy.decide = kill_at(write, after)
    trial.apply(scenario.after)
    trial.revive()
    trial.settle()


def points(wanted: Reference, scenario: Scenario, whole: bool) -> list[tuple[int, bool]]:
    every = [(call.write, after) for call in wanted.writes for after in (False, True)]
    if whole or len(every) <= SAMPLE:
        return every
    return sorted(random.Random(scenario.name).sample(every, SAMPLE))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_crash_at_any_write_leads_to_the_same_end(
    new_trial: NewTrial, scenario: Scenario, long: bool
) -> None:
    wanted = reference(new_trial, scenario)
    assert wanted.writes, "the scenario writes nothing: it shows nothing"
    failed = []
    for write, after in points(wanted, scenario, long):
        with new_trial() as trial:
            crash(trial, scenario, write, after)
            at = f"killed {'after' if after else 'before'} {wanted.writes[write - 1].text}"
            failed += [f"{at}: {fault}" for fault in wanted.faults(trial)]
    assert not failed, "\n".join(failed)
