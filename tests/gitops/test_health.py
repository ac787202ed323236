"""Argo CD, Flux and Helm draw the same conclusion from a status, and the right one."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from scoring_operator.status import begin, summarize, summarize_invalid
from tests.cluster.fixtures import Cluster
from tests.controller.builders import NOW, resource, service
from tests.controller.status.observations import PLATFORM, Scenario
from tests.controller.status.scenarios import SCENARIOS
from tests.controller.status.test_reasons import status_of
from tests.gitops.judges import EXAMPLES, HEALTH_SCRIPT, argo_health, kstatus

Object = Mapping[str, Any]

# What our state is in the words of kstatus and in those of Argo CD.
KSTATUS = {"Ready": "Current", "Reconciling": "InProgress", "Stalled": "Failed"}
ARGO = {"Ready": "Healthy", "Reconciling": "Progressing", "Stalled": "Degraded"}


def recorded(scenario: Scenario) -> dict[str, Any]:
    """The resource with the status that the operator writes for what is observed."""
    return {**resource(scenario.spec), "status": status_of(scenario)}


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, str]]:
    """Flux' and kstatus' judgements of all scenarios, by name."""
    names = [scenario.name for scenario in SCENARIOS]
    answers = kstatus([recorded(scenario) for scenario in SCENARIOS])
    return dict(zip(names, answers, strict=True))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_argo_cd_shows_the_state_and_why(scenario: Scenario) -> None:
    health = argo_health(recorded(scenario))
    suspended = scenario.reason == "Suspended"
    assert health.status == ("Suspended" if suspended else ARGO[scenario.state])
    assert health.message.startswith(f"{scenario.reason}: ")
    assert scenario.words in health.message


# Like the cluster, the program is built by a Go toolchain: so it is no unit test.
@pytest.mark.api
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_flux_and_helm_draw_the_same_conclusion(
    scenario: Scenario, judged: Mapping[str, Mapping[str, str]]
) -> None:
    answer = judged[scenario.name]
    assert answer["kstatus"] == KSTATUS[scenario.state]
    assert answer["flux"] == KSTATUS[scenario.state]


def ready_before() -> dict[str, Any]:
    whole = next(item for item in SCENARIOS if item.name == "all serve")
    return summarize(service(), PLATFORM, whole.observed, {}, NOW).status


UNFINISHED: dict[str, tuple[Object, str, str, str]] = {
    # (resource, Argo CD, Flux with the expressions, kstatus alone)
    "the operator has not seen the change": (
        {**resource(generation=2), "status": ready_before()},
        *("Progressing", "InProgress", "InProgress"),
    ),
    "the change is being applied": (
        {**resource(generation=2), "status": begin(service(generation=2), ready_before(), NOW)},
        *("Progressing", "InProgress", "InProgress"),
    ),
    "the change is refused": (
        {
            **resource(generation=2),
            "status": summarize_invalid(resource(generation=2), "x", ready_before(), NOW).status,
        },
        *("Degraded", "Failed", "Failed"),
    ),
    # kstatus takes an object that says nothing for a finished one; the examples do not.
    "the operator has never seen it": (resource(), "Progressing", "Unknown", "Current"),
}


@pytest.mark.api
@pytest.mark.parametrize("name", UNFINISHED)
def test_a_change_is_not_taken_for_done_before_it_is(name: str) -> None:
    judged, argo, flux, alone = UNFINISHED[name]
    assert argo_health(judged).status == argo
    (answer,) = kstatus([judged])
    assert (answer["flux"], answer["kstatus"]) == (flux, alone)


@pytest.mark.api
def test_argo_cds_config_map_has_the_very_script(api_cluster: Cluster) -> None:
    built = yaml.safe_load(api_cluster.kubectl("kustomize", str(EXAMPLES / "argocd")))
    assert built["metadata"]["name"] == "argocd-cm"
    assert built["metadata"]["labels"] == {"app.kubernetes.io/part-of": "argocd"}
    script = HEALTH_SCRIPT.read_text(encoding="utf-8")
    key = "resource.customizations.health.scoring.dev_ScoringService"
    assert built["data"] == {key: script}
