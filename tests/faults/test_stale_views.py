"""R5: the operator sees the past; it does no harm, and comes right when it sees the present.

Two ways: an operator that starts finds lists of a moment of the past, with no event since; and the
watch of one kind is held while the resource changes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

import pytest

from tests.faults.conftest import Measured, NewTrial
from tests.faults.plan import Tally, run_plan, sample, side_by_side
from tests.faults.reference import Reference, outcome
from tests.faults.scenarios import SCENARIOS, SMALL, Scenario
from tests.faults.snapshot import State, differences, snapshots
from tests.faults.streams import EVERYTHING
from tests.faults.trial import Trial
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(7200)]

NAME = "subject"
QUICK = ("shrink", "scaling-on", "anew")  # without --long
# Moments of each scenario.
SAMPLE, WHOLE = 2, 12
# The API server forgets the past after five minutes.
MEMORY_SECONDS = 240.0
HELD = (
    "scoringservices",
    "deployments",
    "services",
    "horizontalpodautoscalers",
    "poddisruptionbudgets",
    "networkpolicies",
    "ingresses",
    "pods",
)

# What a resource becomes that was not there before.
AWAY = {**SMALL, "image": "example.com/other:2"}

Held = tuple[Scenario, str]


def travel(new_trial: NewTrial, size: int | None, scenario: Scenario) -> Tally:
    """Start operators that see moments of a scenario, when it is over and was taken back."""
    with new_trial() as trial:
        trial.begin({NAME: scenario})
        forgotten = time.monotonic() + MEMORY_SECONDS
        trial.go_on(scenario, NAME)
        trial.settle([NAME])
        # What was half done then is not wanted any more.
        trial.apply(scenario.before or AWAY, NAME)
        trial.settle([NAME])
        seen = {int(event.version) for event in trial.proxy.streams.seen}
        present = snapshots(trial.api, trial.namespace, [NAME])[NAME]
        wrong: list[str] = []
        looked = 0
        for moment in sample(sorted(seen), size, scenario.name):
            # After the first harm there is nothing to compare with any more.
            if not wrong and time.monotonic() < forgotten:
                trial.kill()
                found = look(trial, moment, present)
                wrong = [f"{scenario.name} at {moment}: {text}" for text in found]
                looked += 1
    return Tally(looked, looked, wrong)


def look(trial: Trial, moment: int, present: State) -> list[str]:
    """An operator sees one moment for as long as it finds something to do; what it broke."""
    trial.proxy.forget()
    trial.proxy.stale = moment
    trial.proxy.hold(EVERYTHING)
    trial.revive()
    trial.still()
    state = snapshots(trial.api, trial.namespace, [NAME])[NAME]
    wrong = differences(children(state), children(present), set())
    latest = present["ScoringService/the-name.status.observedGeneration"]
    wrong += [
        f"{path}: the generation fell from {latest} to {value}"
        for path, value in state.items()  # of the status and of each condition
        if path.startswith("ScoringService/") and path.endswith(".observedGeneration")
        if value < latest
    ]
    wrong += [f"{effect} under a stale view" for effect in trial.counts(NAME)]
    trial.proxy.stale = None
    trial.proxy.hold("")
    wrong += [f"with the present in view: {text}" for text in never_right(trial, present)]
    if not wrong:
        trial.settle([NAME])
    return wrong


def never_right(trial: Trial, present: State) -> list[str]:
    """Wait until all is as it was; what never is."""
    deadline = time.monotonic() + trial.patience
    while True:
        state = snapshots(trial.api, trial.namespace, [NAME])[NAME]
        left = differences(state, present, volatile(state))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def children(state: State) -> State:
    return {path: value for path, value in state.items() if not path.startswith("ScoringService/")}


def volatile(state: State) -> set[str]:
    """Times of changes: a status that was wrong for a moment has changed twice."""
    return {path for path in state if path.endswith(("lastTransitionTime", "lastFailure.time"))}


def hold(
    new_trial: NewTrial, wanted: Mapping[str, Reference], plan: Mapping[str, Held]
) -> tuple[int, list[str]]:
    """The events of one kind are held while a scenario goes on; what is wrong in the end."""
    ends = {name: wanted[scenario.name] for name, (scenario, _) in plan.items()}
    with new_trial() as trial:
        trial.begin({name: scenario for name, (scenario, _) in plan.items()})
        for name, (scenario, kind) in plan.items():
            trial.proxy.hold(kind)
            trial.go_on(scenario, name)
            trial.still()
            trial.proxy.hold("")
        wrong = [
            f"{plan[name][0].name} with {plan[name][1]} held: {text}"
            for name, texts in outcome(trial, ends).items()
            for text in texts
        ]
    return len(plan), wrong


def test_an_operator_that_sees_the_past_changes_nothing(new_trial: NewTrial, long: bool) -> None:
    chosen = [scenario for scenario in SCENARIOS if long or scenario.name in QUICK]
    size = WHOLE if long else SAMPLE
    tallies = side_by_side(partial(travel, new_trial, size), chosen)
    wrong = [text for tally in tallies for text in tally.wrong]
    assert not wrong, "\n".join(wrong)
    moments = sum(tally.tried for tally in tallies)
    assert moments >= 20 or not long
    figure = f"{moments} in {len(chosen)} scenarios; nothing deleted, created or changed"
    record("R5", "starts with lists of the past", figure)


def test_a_watch_that_is_held_harms_nothing(
    new_trial: NewTrial, measured: Measured, long: bool
) -> None:
    wanted = measured(SCENARIOS)
    every = [(scenario, kind) for scenario in SCENARIOS for kind in HELD]
    points = sample(every, None if long else 4 * SAMPLE, "held")
    tally = run_plan(partial(hold, new_trial, wanted), points, 2 * len(HELD))
    tally.check(1.0)
    figure = f"{tally.met} in {len(SCENARIOS)} scenarios; each came to the same end"
    record("R5", "watches held", figure)
