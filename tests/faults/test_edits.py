"""R8: the resource is edited during every call of a look; the last generation counts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.resources import scoring_service
from tests.faults.actions import Meanwhile
from tests.faults.conftest import NewTrial, References
from tests.faults.plan import Injected, named, run_plan, sample
from tests.faults.reference import Reference
from tests.faults.scenarios import LARGE, SCALED, SMALL, Scenario, filled
from tests.faults.snapshot import differences, essence, snapshots
from tests.faults.trial import Trial
from tests.reliability.figures import record

pytestmark = pytest.mark.api

EDITED: dict[str, Any] = {
    **SMALL,
    "service": {"port": 8081},
    "exposure": {"host": "edited-{}.example.com", "ingress": {"className": "nginx"}},
}
# What a resource comes to does not depend on when it was edited.
REFERENCE = Scenario("edited", SMALL, EDITED)
SAMPLE = 6
PORTION = 24

Point = tuple[int, bool]
SCENARIOS = [
    Scenario("create", None, LARGE),
    Scenario("grow", SMALL, LARGE),
    Scenario("scaling-on", SMALL, SCALED),
    Scenario("scaling-off", SCALED, LARGE),
]


def change(trial: Trial, name: str) -> None:
    """Another user's edit, over a connection of its own: it comes from another thread."""
    spec = scoring_service(trial.namespace, name, **filled(EDITED, name))
    Api(trial.kubeconfig).apply(spec)


def edit(
    new_trial: NewTrial, scenario: Scenario, wanted: Reference, portion: Sequence[Point]
) -> tuple[int, list[str]]:
    """Each resource is edited at another call; how many were, and what is wrong."""
    plan = named(portion)
    with new_trial() as trial:
        actions = {
            name: (number, Meanwhile(partial(change, trial, name), after))
            for name, (number, after) in plan.items()
        }
        edits = Injected(actions)
        trial.begin(scenario, plan)
        trial.proxy.decide = edits.at_call
        for name in plan:
            trial.go_on(scenario, name)
        trial.settle(plan)
        states = snapshots(trial.api, trial.namespace, edits.fired)
        wrong = {
            name: differences(essence(state), essence(wanted.state), wanted.mask)
            for name, state in states.items()
        }
        return len(edits.fired), edits.told(wrong)


def test_the_last_generation_counts_whenever_the_resource_is_edited(
    new_trial: NewTrial, references: References, long: bool
) -> None:
    last = references([REFERENCE])[REFERENCE.name]
    found = references(SCENARIOS)
    every = {
        name: sample(
            itertools.product(range(1, len(wanted.calls) + 1), (False, True)),
            None if long else SAMPLE,
            name,
        )
        for name, wanted in found.items()
    }
    ends = dict.fromkeys(every, last)
    tally = run_plan(partial(edit, new_trial), SCENARIOS, every, ends, PORTION)
    tally.check(0.8)
    figure = f"{tally.met} in {len(every)} scenarios; the last generation counts in each"
    record("R8", "edits during a call", figure)
