"""R19: the plans of faults find bugs that only an order of events shows, on the real API server.

Each plan runs against an operator with a bug that it is to find, and must complain of what the bug
does; against the operator as it is, the same plan has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.faults import blindness
from tests.faults.actions import Action, Answer, Drop, EventAction, Kill
from tests.faults.conftest import Measured, NewTrial, WithBug
from tests.faults.plan import Moment, Point, moments, named, side_by_side
from tests.faults.planted import in_order
from tests.faults.planted.bug import Bug
from tests.faults.reference import Reference, References
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.test_blind import live
from tests.faults.test_crashes import crash
from tests.faults.test_errors import fail
from tests.faults.test_identity import take_over_and_over
from tests.faults.test_stale_views import travel
from tests.faults.test_watches import distort
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(3600)]

Plan = Callable[[NewTrial, Scenario, References], list[str]]
"""Runs trials of a scenario; what went wrong in them."""

# Of some sixty.
MOMENTS = 20
_SCENARIOS = {scenario.name: scenario for scenario in SCENARIOS}


@dataclass(frozen=True)
class Bite:
    """A bug, the plan that is to find it, and a word of its complaint."""

    bug: Bug
    row: str
    scenario: str
    plan: Plan
    complaint: str
    quick: bool = False
    """It is part of the run without --long."""

    def complaints(self, new_trial: NewTrial, wanted: References) -> list[str]:
        """What the plan says of an operator, in the words that the bug is known by."""
        told = self.plan(new_trial, _SCENARIOS[self.scenario], wanted)
        return [text for text in told if self.complaint in text]


def killed(at: Callable[[Reference], Moment], *, after: bool) -> Plan:
    """A crash at one write."""

    def plan(new_trial: NewTrial, scenario: Scenario, wanted: References) -> list[str]:
        point = Point(scenario, at(wanted[scenario.name]), Kill(after))
        return crash(new_trial, wanted, named([point]))[1]

    return plan


def of_scaler(reference: Reference) -> Moment:
    """The first write to the autoscaler."""
    return _of(reference, "horizontalpodautoscalers")[0]


def last_of_deployment(reference: Reference) -> Moment:
    """The last write to the Deployment."""
    return _of(reference, "deployments")[-1]


def _of(reference: Reference, resource: str) -> list[Moment]:
    return moments(call for call in reference.writes if call.resource == resource)


def answered(action: Action) -> Plan:
    """Each call fails once, each for another resource."""

    def plan(new_trial: NewTrial, scenario: Scenario, wanted: References) -> list[str]:
        calls = moments(wanted[scenario.name].calls)
        points = [Point(scenario, call, action) for call in calls]
        return fail(new_trial, wanted, named(points))[1]

    return plan


def at_events(action: EventAction) -> Plan:
    """Each event is distorted once, each for another resource."""

    def plan(new_trial: NewTrial, scenario: Scenario, wanted: References) -> list[str]:
        events = moments(wanted[scenario.name].events)
        points = [Point(scenario, event, action) for event in events]
        return distort(new_trial, wanted, named(points))[1]

    return plan


def seen_late(new_trial: NewTrial, scenario: Scenario, wanted: References) -> list[str]:
    """Operators start with lists of the past."""
    return travel(new_trial, MOMENTS, scenario).wrong


def orphaned(new_trial: NewTrial, scenario: Scenario, wanted: References) -> list[str]:
    """Children are orphaned, and the name is taken again."""
    try:
        take_over_and_over(new_trial, "Orphan", 1)
    except AssertionError as error:
        return [str(error)]
    return []


def silenced(new_trial: NewTrial, scenario: Scenario, wanted: References) -> list[str]:
    """No watch says anything, however often it is opened anew."""
    blind = live(new_trial, blindness.all_silent(180)).up_and_blind
    return ["up and blind"] if blind else []


BITES = (
    Bite(in_order.NEVER_BLIND, "R13", "create", silenced, "up and blind"),
    Bite(in_order.UNCHECKED_VIEW, "R5", "grow", seen_late, "instead of"),
    Bite(in_order.STATUS_OVER_A_NEWER_ONE, "R5", "grow", seen_late, "generation fell"),
    Bite(
        in_order.SCALER_FIRST,
        "R1",
        "scaling-on",
        killed(of_scaler, after=True),
        "the replicas fell to 1",
        quick=True,
    ),
    Bite(
        in_order.UNFINISHED_HAND_OVER,
        "R1",
        "scaling-off-level",
        killed(last_of_deployment, after=False),
        "managers",
        quick=True,
    ),
    Bite(in_order.GIVES_UP, "R7", "create", answered(Answer(500)), "absent", quick=True),
    Bite(in_order.DEAF_TO_CONFLICTS, "R7", "grow", answered(Answer(409)), "instead of"),
    Bite(in_order.DEAF_TO_LISTS, "R6", "anew", at_events(Drop()), "absent"),
    Bite(in_order.ORPHAN_TAKEN_OVER, "R15", "create", orphaned, "orphan"),
)


def test_the_plans_find_what_only_an_order_of_events_shows(
    measured: Measured, new_trial: NewTrial, with_bug: WithBug, long: bool
) -> None:
    bites = [bite for bite in BITES if long or bite.quick]
    names = sorted({bite.scenario for bite in bites})
    wanted = measured([_SCENARIOS[name] for name in names])

    def found(bite: Bite) -> list[str]:
        return bite.complaints(with_bug(bite.bug), wanted)

    def alarms(bite: Bite) -> list[str]:
        return bite.complaints(new_trial, wanted)

    results = zip(bites, side_by_side(found, bites), strict=True)
    assert not [bite.bug.name for bite, told in results if not told]
    if not long:
        return
    assert not [told for told in side_by_side(alarms, bites) if told]
    rows = ", ".join(sorted({bite.row for bite in bites}))
    figure = f"{len(bites)} of {len(bites)}, by the plans of {rows}"
    record("R19", "planted bugs of order that the fault plans find", figure)
