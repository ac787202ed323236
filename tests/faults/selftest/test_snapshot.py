"""What counts in the comparison of two end states, and what does not."""

from __future__ import annotations

import copy
from typing import Any, cast

from scoring_operator.api import LABEL_NAME
from tests.e2e.api import Api, Object, Refused
from tests.faults.snapshot import State, differences, snapshots

DEPLOYMENT: Object = {
    "metadata": {
        "name": "faq",
        "uid": "uid-of-the-first",
        "labels": {LABEL_NAME: "faq"},
        "resourceVersion": "7",
        "managedFields": [{"manager": "scoring-operator", "operation": "Apply", "fieldsV1": {}}],
    },
    "spec": {"replicas": 2},
    "status": {
        "replicas": 2,
        "conditions": [{"type": "Progressing", "reason": "NewReplicaSetCreated"}],
    },
}


class OneDeployment:
    """An API server that has a Deployment and nothing else."""

    def __init__(self, deployment: Object) -> None:
        self._deployment = deployment

    def request(self, method: str, path: str) -> Any:
        if not path.endswith("/deployments"):
            raise Refused(404, "not served")
        return {"items": [copy.deepcopy(self._deployment)]}


def state(**changed: Any) -> State:
    api = cast("Api", OneDeployment({**DEPLOYMENT, **changed}))
    return snapshots(api, "space", ["faq"])["faq"]


def test_versions_and_the_diary_of_the_deployment_controller_do_not_count() -> None:
    other = state(
        metadata={**DEPLOYMENT["metadata"], "resourceVersion": "8", "uid": "uid-of-another"},
        status={
            "replicas": 2,
            "conditions": [{"type": "Progressing", "reason": "ReplicaSetUpdated"}],
        },
    )
    assert differences(other, state(), set()) == []


def test_what_is_asked_for_and_reported_and_who_owns_it_counts() -> None:
    managers = [{"manager": "other", "operation": "Apply", "fieldsV1": {}}]
    for changed in (
        {"spec": {"replicas": 3}},
        {"status": {"replicas": 1}},
        {"metadata": {**DEPLOYMENT["metadata"], "managedFields": managers}},
        {"metadata": {**DEPLOYMENT["metadata"], "deletionTimestamp": "now"}},
    ):
        assert len(differences(state(**changed), state(), set())) == 1, changed
    assert differences({}, state(), set())
