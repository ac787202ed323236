"""R15: a name is deleted and taken again, over and over; no child serves the wrong owner."""

from __future__ import annotations

from functools import partial

import pytest

from tests.e2e.api import Object, Refused, condition, eventually
from tests.e2e.resources import scoring_service
from tests.faults.conftest import NewTrial
from tests.faults.scenarios import LARGE, filled
from tests.faults.snapshot import objects
from tests.faults.trial import Trial
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(3600)]

NAME = "subject"
ROUNDS = 50
QUICK_ROUNDS = 6
POLICIES = ("Background", "Foreground", "Orphan")


def take_again(trial: Trial, number: int) -> Object:
    """Create the resource as soon as its name is free."""
    spec = filled({**LARGE, "replicas": 2 + number % 3}, NAME)
    wanted = scoring_service(trial.namespace, NAME, **spec)

    def create() -> Object | None:
        try:
            return trial.api.create(wanted)
        except Refused as refused:
            if refused.code == 409:
                return None
            raise

    created = eventually(create, "the name is free", trial.patience, 0.02)
    assert created is not None
    return created


def children(trial: Trial) -> list[Object]:
    found = objects(trial.api, trial.namespace)
    return [child for child in found if child["kind"] != "ScoringService"]


def owners(trial: Trial) -> set[str]:
    """The uids that children name; empty for one without an owner."""
    return {
        (child["metadata"].get("ownerReferences") or [{"uid": ""}])[0]["uid"]
        for child in children(trial)
    }


def is_whole(trial: Trial, resource: Object, count: int) -> bool:
    """Whether all children are there, the live resource's, with its number of pods."""
    deployment = trial.api.find("Deployment", trial.namespace, NAME)
    return (
        deployment is not None
        and deployment["spec"]["replicas"] == resource["spec"]["replicas"]
        and owners(trial) == {resource["metadata"]["uid"]}
        and len(children(trial)) == count
    )


def wait_until_whole(trial: Trial, resource: Object, count: int) -> None:
    """Wait for the children of the live resource."""
    whole = partial(is_whole, trial, resource, count)
    eventually(whole, "the children are the live resource's", trial.patience, 0.05)


def clear_orphans(trial: Trial) -> None:
    """What was orphaned is nobody's: it is told, not taken; whoever orphaned it clears it away."""

    def told() -> bool:
        resource = trial.api.get("ScoringService", trial.namespace, NAME)
        return bool(condition(resource, "Ready").get("reason") == "NameConflict")

    eventually(told, "the orphans are told", trial.patience, 0.05)
    assert owners(trial) == {""}, "an orphan was taken"
    for child in children(trial):
        trial.api.delete(child["kind"], trial.namespace, child["metadata"]["name"])


def take_over_and_over(new_trial: NewTrial, policy: str, rounds: int) -> None:
    """Delete and create a name; fails where a child is, or stays, of the wrong owner."""
    with new_trial() as trial:
        trial.start()
        resource = take_again(trial, 0)
        trial.settle([NAME])
        count = len(children(trial))
        for number in range(1, rounds + 1):
            trial.api.delete("ScoringService", trial.namespace, NAME, policy)
            resource = take_again(trial, number)
            if policy == "Orphan":
                clear_orphans(trial)
            if policy == "Orphan" or number % 3 == 0:  # else it goes again before it is whole
                wait_until_whole(trial, resource, count)
        wait_until_whole(trial, resource, count)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_name_that_is_taken_again_gets_children_of_its_own(
    new_trial: NewTrial, long: bool, policy: str
) -> None:
    rounds = ROUNDS if long else QUICK_ROUNDS
    take_over_and_over(new_trial, policy, rounds)
    record("R15", policy, f"{rounds} times; 0 children of the wrong owner")
