"""Events: one for each new verdict, none for anything else."""

from __future__ import annotations

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, Object, condition, eventually, stays
from tests.e2e.conftest import Launch
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.e2e.settled import wait_until_settled

pytestmark = pytest.mark.api


def events(api: Api, namespace: str) -> list[Object]:
    """The Events about ScoringServices, oldest first."""
    found = api.request("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")["items"]
    ours = [event for event in found if event["regarding"]["kind"] == "ScoringService"]
    return sorted(ours, key=lambda event: str(event["eventTime"]))


def told(api: Api, namespace: str) -> list[tuple[str, str]]:
    return [(event["type"], event["reason"]) for event in events(api, namespace)]


def in_the_way(api: Api, namespace: str) -> None:
    """An object of somebody else has the name of a child."""
    metadata = {"name": "faq", "namespace": namespace}
    spec = {"ports": [{"port": 99}]}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


@pytest.fixture
def operator(launch: Launch, namespace: str) -> OperatorProcess:
    return launch(namespace)


def test_a_new_verdict_is_one_event_and_one_line_of_the_log(
    api: Api, namespace: str, operator: OperatorProcess
) -> None:
    in_the_way(api, namespace)
    api.apply(scoring_service(namespace))
    eventually(lambda: told(api, namespace) == [("Warning", "NameConflict")], "the conflict")
    (event,) = events(api, namespace)
    resource = api.get("ScoringService", namespace, "faq")
    assert event["regarding"]["uid"] == resource["metadata"]["uid"]
    assert event["note"] == condition(resource, "Ready")["message"]
    assert event["reportingController"] == "scoring.dev/scoring-operator"
    lines = [line for line in operator.logged() if line["message"].startswith("NameConflict: ")]
    assert [(line["level"], line["name"]) for line in lines] == [("info", "faq")]


def test_a_look_that_changes_nothing_posts_nothing_nor_does_a_restart(
    api: Api, namespace: str, operator: OperatorProcess, launch: Launch
) -> None:
    in_the_way(api, namespace)
    api.apply(scoring_service(namespace))
    eventually(lambda: told(api, namespace), "the conflict is told")
    api.patch("ScoringService", namespace, "faq", {"metadata": {"annotations": {"note": "1"}}})
    wait_until_settled(api, namespace, operator)
    operator.stop()
    again = launch(namespace)
    wait_for_quiet(again)
    stays(lambda: told(api, namespace) == [("Warning", "NameConflict")], "there is one", 1)


def test_a_service_that_becomes_well_and_is_suspended_says_so(
    api: Api, namespace: str, operator: OperatorProcess
) -> None:
    api.apply(scoring_service(namespace, suspend=True))
    eventually(lambda: told(api, namespace) == [("Normal", "Suspended")], "it is suspended")
    api.apply(scoring_service(namespace, replicas=0))
    eventually(
        lambda: ("Normal", "ScaledToZero") in told(api, namespace), "it is scaled to nothing"
    )
    steps = {"RolloutInProgress", "Suspended", "ScaledToZero"}
    assert {reason for _, reason in told(api, namespace)} <= steps


def test_kubectl_describe_shows_them(
    api: Api, namespace: str, operator: OperatorProcess, api_cluster: Cluster
) -> None:
    in_the_way(api, namespace)
    api.apply(scoring_service(namespace))
    eventually(lambda: told(api, namespace), "the conflict is told")
    shown = api_cluster.kubectl("describe", "scoringservice", "faq", "-n", namespace)
    listed = shown[shown.index("Events:") :]
    assert "NameConflict" in listed
    assert "scoring-operator" in listed
