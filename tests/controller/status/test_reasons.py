"""What is observed, and the reason that Ready gives for it: the table of scenarios."""

from datetime import timedelta
from typing import Any

import pytest

from scoring_operator.api.status import ScoringServiceStatus
from scoring_operator.status import summarize
from scoring_operator.status.reasons import PROGRESS, SELF_EXPLAINING, TERMINAL, Reason
from tests.controller.builders import NOW, service
from tests.controller.status.observations import PLATFORM, Scenario
from tests.controller.status.scenarios import SCENARIOS


def status_of(scenario: Scenario) -> dict[str, Any]:
    """The status of a look, after one that long ago which saw the same."""
    of, seen = service(scenario.spec), scenario.observed
    first = summarize(of, PLATFORM, seen, {}, NOW).status
    later = NOW + timedelta(seconds=scenario.for_seconds)
    return summarize(of, PLATFORM, seen, first, later).status


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_is_observed_becomes_the_reason(scenario: Scenario) -> None:
    status = status_of(scenario)
    ScoringServiceStatus.model_validate(status, strict=True, by_name=False)
    conditions = {item["type"]: item for item in status["conditions"]}
    ready = conditions["Ready"]
    assert ready["reason"] == scenario.reason
    assert scenario.words in ready["message"]
    holds = ready["status"] == "True"
    told = {kind for kind in ("Reconciling", "Stalled") if kind in conditions}
    assert ({"Ready"} if holds else told) == {scenario.state}
    assert not (holds and told)
    if scenario.state != "Ready" and ready["reason"] not in PROGRESS:
        assert status["lastFailure"]["reason"] == ready["reason"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_available_is_whether_a_pod_serves_whatever_is_wrong(scenario: Scenario) -> None:
    conditions = {item["type"]: item for item in status_of(scenario)["conditions"]}
    serving = (scenario.live or {}).get("status", {}).get("availableReplicas", 0)
    assert conditions["Available"]["status"] == ("True" if serving else "False")


def test_every_reason_has_a_scenario() -> None:
    assert {scenario.reason for scenario in SCENARIOS} == set(Reason)


def test_every_reason_that_ends_the_waiting_has_a_stalled_scenario() -> None:
    stalled = {scenario.reason for scenario in SCENARIOS if scenario.state == "Stalled"}
    assert stalled >= TERMINAL | SELF_EXPLAINING | {Reason.ROLLOUT_DEADLINE_EXCEEDED}
