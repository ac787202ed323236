"""R8: the resource is edited during every call of a look; the last generation counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pytest

from scoring_operator.api import PLURAL
from tests.e2e.api import Api
from tests.e2e.resources import scoring_service
from tests.faults.actions import Meanwhile
from tests.faults.conftest import Measured, NewTrial
from tests.faults.plan import Injected, Moment, Point, moments, run_plan, sample
from tests.faults.reference import Reference
from tests.faults.scenarios import LARGE, SCALED, SMALL, Scenario, filled
from tests.faults.snapshot import differences, essence, snapshots
from tests.faults.trial import Trial
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(7200)]

EDITED: dict[str, Any] = {
    **SMALL,
    "service": {"port": 8081},
    "exposure": {"host": "edited-{}.example.com", "ingress": {"className": "nginx"}},
}
# What a resource comes to does not depend on when it was edited.
REFERENCE = Scenario("edited", SMALL, EDITED)
# Longer than a call takes.
LATE_SECONDS = 0.5
SAMPLE = 4  # of the points of each scenario; all of them with --long
PORTION = 24

SCENARIOS = [
    Scenario("create", None, LARGE),
    Scenario("grow", SMALL, LARGE),
    Scenario("scaling-on", {"replicas": 3}, SCALED),
    Scenario("scaling-off", SCALED, LARGE),
    # With no pods to wait for nothing happens afterwards that would wake the operator.
    Scenario("suspend", LARGE, {**LARGE, "suspend": True}),
]

Edit = tuple[Scenario, Moment, bool]


def change(trial: Trial, name: str) -> None:
    """Another user's edit, over a connection of its own: it comes from another thread."""
    spec = scoring_service(trial.namespace, name, **filled(EDITED, name))
    Api(trial.kubeconfig).apply(spec)


def change_unseen(trial: Trial, name: str) -> None:
    """The same, and the watch is late with it: the call is answered first."""
    trial.proxy.hold(PLURAL)
    change(trial, name)
    threading.Timer(LATE_SECONDS, trial.proxy.hold, [""]).start()


def edit(new_trial: NewTrial, last: Reference, plan: Mapping[str, Edit]) -> tuple[int, list[str]]:
    """Each resource is edited at another call; how many were, and what is wrong."""
    with new_trial() as trial:
        edits = Injected(
            {
                name: Point(
                    scenario,
                    call,
                    Meanwhile(partial(change if after else change_unseen, trial, name), after),
                )
                for name, (scenario, call, after) in plan.items()
            }
        )
        trial.begin({name: scenario for name, (scenario, _, _) in plan.items()})
        trial.proxy.decide = edits.at_call
        for name, (scenario, _, _) in plan.items():
            trial.go_on(scenario, name)
        trial.quiet()  # each has met its edit
        deadline = time.monotonic() + trial.patience
        while (wrong := unlike(trial, last, edits.fired)) and time.monotonic() < deadline:
            time.sleep(0.2)
        if not wrong:
            trial.settle(plan)
            wrong = unlike(trial, last, edits.fired)
        return len(edits.fired), edits.told(wrong)


def unlike(trial: Trial, last: Reference, names: Iterable[str]) -> dict[str, list[str]]:
    """What is not as the last edit would have it."""
    found = {
        name: differences(essence(state), essence(last.state), last.mask)
        for name, state in snapshots(trial.api, trial.namespace, names).items()
    }
    return {name: texts for name, texts in found.items() if texts}


def test_the_last_generation_counts_whenever_the_resource_is_edited(
    new_trial: NewTrial, measured: Measured, long: bool
) -> None:
    last = measured([REFERENCE])[REFERENCE.name]
    wanted = measured(SCENARIOS)
    edits: list[Edit] = []
    for scenario in SCENARIOS:
        calls = moments(wanted[scenario.name].calls)
        every = [(scenario, call, after) for call in calls for after in (False, True)]
        edits += sample(every, None if long else SAMPLE, scenario.name)
    tally = run_plan(partial(edit, new_trial, last), edits, PORTION)
    tally.check(0.8)
    figure = f"{tally.met} in {len(SCENARIOS)} scenarios; the last generation counts in each"
    record("R8", "edits during a call", figure)
