"""The status says what was observed: conditions, counts, reasons, in every situation."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from scoring_operator.api.status import ScoringServiceStatus
from scoring_operator.status import (
    Observed,
    Refusal,
    Summary,
    begin,
    summarize,
    summarize_invalid,
    unseen,
)
from scoring_operator.status.reasons import Reason
from tests.controller.builders import (
    IMAGE_GPU,
    NOW,
    NOW_TEXT,
    crashed,
    deployment,
    pod,
    resource,
    service,
    unschedulable,
    waiting,
)
from tests.controller.status.observations import PLATFORM, exposed, lost, routed

KEYS = {"auth": {"apiKeys": {"secretName": "keys"}}}
DEADLINE = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "faq-1" has timed out progressing.',
}


def summary(
    spec: Mapping[str, Any] | None = None,
    live: Mapping[str, Any] | None = None,
    pods: Sequence[Mapping[str, Any]] = (),
    previous: Mapping[str, Any] | None = None,
    later_seconds: int = 0,
    children: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    **observed: Any,
) -> Summary:
    own = {} if live is None else {("Deployment", "faq"): live}
    result = summarize(
        service(spec),
        PLATFORM,
        Observed(children={**own, **(children or {})}, pods=pods, **observed),
        previous or {},
        NOW + timedelta(seconds=later_seconds),
    )
    ScoringServiceStatus.model_validate(result.status, strict=True, by_name=False)
    return result


def conditions(status: Mapping[str, Any]) -> dict[str, Any]:
    found = {item["type"]: item for item in status["conditions"]}
    assert not ("Reconciling" in found and "Stalled" in found)
    return found


def ready(status: Mapping[str, Any]) -> tuple[str, str]:
    condition = conditions(status)["Ready"]
    return condition["status"], condition["reason"]


def test_a_service_whose_pods_all_serve_is_ready() -> None:
    status = summary(live=deployment(desired=2)).status
    assert ready(status) == ("True", "AllReplicasReady")
    assert set(conditions(status)) == {"Ready", "Available", "ModelLoaded"}
    assert (status["replicas"], status["readyReplicas"], status["availableReplicas"]) == (2, 2, 2)


def test_what_a_ready_service_tells_beside_its_conditions() -> None:
    status = summary({"service": {"port": 8000}}, deployment()).status
    assert status["url"] == status["internalURL"] == "http://faq.ml.svc:8000/score"
    assert status["selector"] == "scoring.dev/name=faq"
    assert status["image"] == "example.com/cpu:1"
    assert status["effective"] == {
        "strategy": "Surge",
        "workers": 1,
        "threads": 32,
        "requests": {"cpu": "500m", "memory": "512Mi"},
        "limits": {"memory": "512Mi"},
        "podDisruptionBudget": False,
        "topologySpread": False,
        "podMonitor": False,
    }
    assert status["observedGeneration"] == 1


def test_before_there_is_a_deployment_the_service_is_reconciling() -> None:
    status = summary().status
    assert ready(status) == ("False", "RolloutInProgress")
    assert conditions(status)["Reconciling"]["status"] == "True"
    assert conditions(status)["Available"]["status"] == "False"


def test_a_deployment_that_has_not_seen_its_own_change_proves_nothing() -> None:
    status = summary(live=deployment(generation=2, observed_generation=1)).status
    assert ready(status) == ("False", "RolloutInProgress")


def test_during_a_rollout_the_service_stays_available() -> None:
    live = deployment(desired=2, replicas=3, updated=1, ready=2)
    status = summary(live=live, pods=[pod(phase="Pending")]).status
    assert ready(status) == ("False", "RolloutInProgress")
    assert conditions(status)["Available"]["status"] == "True"
    assert "2 of 2 replicas ready, 1 updated" in conditions(status)["Ready"]["message"]


def test_a_rollout_is_not_complete_while_an_old_pod_is_there() -> None:
    live = deployment(desired=2, replicas=3, updated=2, ready=2)
    assert ready(summary(live=live).status) == ("False", "RolloutInProgress")


def test_pods_that_run_and_are_not_ready_are_loading_their_model() -> None:
    status = summary(live=deployment(ready=0), pods=[pod()]).status
    assert ready(status) == ("False", "ModelLoading")
    assert conditions(status)["ModelLoaded"]["status"] == "False"


def test_the_newest_pod_speaks_for_the_current_spec() -> None:
    old = pod("faq-old", containers=[crashed(1, "old")], created="2026-03-01T10:00:00Z")
    new = pod("faq-new", containers=[waiting("ErrImagePull", "new")])
    status = summary(live=deployment(ready=0), pods=[old, new]).status
    assert ready(status) == ("False", "ImagePullFailed")


def test_pods_that_go_away_or_are_over_trouble_nobody() -> None:
    leaving = pod(containers=[crashed(137)])
    leaving["metadata"]["deletionTimestamp"] = NOW_TEXT
    evicted = pod("faq-2", phase="Failed", containers=[crashed(1)])
    status = summary(live=deployment(ready=0, updated=0), pods=[leaving, evicted]).status
    assert ready(status) == ("False", "RolloutInProgress")


def test_a_container_that_once_failed_and_runs_now_is_no_trouble_when_ready() -> None:
    recovered = pod(ready=True, containers=[{**crashed(1), "state": {"running": {}}}])
    status = summary(live=deployment(), pods=[recovered]).status
    assert ready(status) == ("True", "AllReplicasReady")


def test_past_the_deadline_the_cause_is_still_named() -> None:
    live = deployment(ready=0, conditions=[DEADLINE])
    pull = summary(live=live, pods=[pod(containers=[waiting("ErrImagePull", "no host")])]).status
    assert conditions(pull)["Stalled"]["reason"] == "ImagePullFailed"
    pending = [pod(phase="Pending", conditions=unschedulable("0/1 nodes"))]
    full = summary(live=live, pods=pending).status
    assert ready(full) == ("False", "Unschedulable")
    assert conditions(full)["Stalled"]["reason"] == "RolloutDeadlineExceeded"


def test_a_model_that_fails_to_load_again_and_again_stalls() -> None:
    def look(restarts: int) -> dict[str, Any]:
        failing = pod(containers=[crashed(78, "ModelLoadFailed: pickle", restarts=restarts)])
        return conditions(summary(live=deployment(ready=0), pods=[failing]).status)

    assert "Stalled" not in look(2)
    assert look(3)["Stalled"]["reason"] == "ModelLoadFailed"


def test_a_missing_pull_secret_is_named_when_the_image_cannot_be_pulled() -> None:
    pulling = [pod(containers=[waiting("ErrImagePull", "401 Unauthorized")])]
    spec = {"imagePullSecrets": [{"name": "regcred"}]}
    result = summary(spec, deployment(ready=0), pulling, missing_secrets=["regcred"])
    assert ready(result.status) == ("False", "SecretNotFound")
    message = conditions(result.status)["Ready"]["message"]
    assert "regcred" in message
    assert "401 Unauthorized" in message
    assert result.look_again_seconds is not None


def test_a_refused_child_wins_over_everything_else() -> None:
    refusal = Refusal("Service", "faq", Reason.NAME_CONFLICT, "belongs to another owner")
    result = summary(live=deployment(), refusals=[refusal])
    assert ready(result.status) == ("False", "NameConflict")
    assert conditions(result.status)["Stalled"]["message"] == (
        "Service faq: belongs to another owner"
    )
    assert conditions(result.status)["Available"]["status"] == "True"
    assert result.look_again_seconds is not None


def test_a_suspended_service_is_as_it_should_be_and_serves_nothing() -> None:
    status = summary({"suspend": True, "replicas": 3}, deployment(desired=0)).status
    assert ready(status) == ("True", "Suspended")
    assert conditions(status)["Suspended"]["status"] == "True"
    assert conditions(status)["Available"]["status"] == "False"


def test_the_model_that_a_pod_reports_is_shown() -> None:
    model = {"name": "faq-javascript", "digest": "sha256:1", "weights": "trained", "type": "x"}
    status = summary(live=deployment(), model=model).status
    assert status["model"] == {
        "name": "faq-javascript",
        "digest": "sha256:1",
        "weights": "trained",
    }
    assert conditions(status)["ModelLoaded"]["message"] == "faq-javascript (trained)"


def test_random_weights_are_called_random() -> None:
    model = {"name": "resnet152", "digest": "sha256:1", "weights": "random"}
    first = summary(live=deployment(), model=model).status
    # Also on a later look at which no pod could be asked.
    for status in (first, summary(live=deployment(), previous=first).status):
        assert conditions(status)["ModelLoaded"]["reason"] == "RandomWeights"
        assert "random weights" in conditions(status)["Ready"]["message"]
        assert status["model"]["weights"] == "random"


def test_a_second_look_at_the_same_state_changes_nothing() -> None:
    troubled = pod(containers=[crashed(1, "boom")])
    for live, pods in ((deployment(), []), (deployment(ready=0), [troubled])):
        first = summary(live=live, pods=pods).status
        assert summary(live=live, pods=pods, previous=first, later_seconds=60).status == first


def test_a_transition_time_moves_only_with_the_conditions_status() -> None:
    loading = summary(live=deployment(ready=0), pods=[pod()]).status
    crashing = [pod(containers=[crashed(1)])]
    still_not = summary(
        live=deployment(ready=0), pods=crashing, previous=loading, later_seconds=30
    ).status
    assert conditions(still_not)["Ready"]["lastTransitionTime"] == NOW_TEXT
    serving = summary(live=deployment(), previous=still_not, later_seconds=60).status
    assert conditions(serving)["Ready"]["lastTransitionTime"] == "2026-03-01T12:01:00Z"


def test_the_last_failure_is_kept_after_it_is_over() -> None:
    failed = summary(live=deployment(ready=0), pods=[pod(containers=[crashed(1, "boom")])]).status
    healthy = summary(live=deployment(), previous=failed, later_seconds=60).status
    assert healthy["lastFailure"] == failed["lastFailure"]
    assert healthy["lastFailure"]["time"] == NOW_TEXT


def test_a_long_message_is_cut_to_what_the_schema_allows() -> None:
    long = pod(containers=[crashed(78, "x" * 5000)])
    status = summary(live=deployment(ready=0), pods=[long]).status
    assert len(status["lastFailure"]["message"]) == 1024


def test_a_failure_that_is_no_pods_has_no_pod() -> None:
    refusal = Refusal("Service", "faq", Reason.NAME_CONFLICT, "belongs to another owner")
    failure = summary(refusals=[refusal]).status["lastFailure"]
    assert failure == {
        "reason": "NameConflict",
        "message": "Service faq: belongs to another owner",
        "time": NOW_TEXT,
    }


def test_a_pod_that_its_node_gave_up_on_is_the_last_failure_of_a_service_that_is_whole() -> None:
    (evicted,) = lost("Evicted", "The node was low on resource: memory.")
    evicted["status"]["conditions"][0]["lastTransitionTime"] = "2026-03-01T11:30:00Z"
    status = summary(live=deployment(), pods=[pod(ready=True), evicted]).status
    assert ready(status) == ("True", "AllReplicasReady")
    assert status["lastFailure"]["reason"] == "OutOfMemory"
    assert status["lastFailure"]["time"] == "2026-03-01T11:30:00Z"
    crash = {"pod": "faq-3", "reason": "CrashLooping", "message": "boom", "time": NOW_TEXT}
    later = summary(live=deployment(), pods=[evicted], previous={**status, "lastFailure": crash})
    assert later.status["lastFailure"] == crash


def test_a_secret_that_comes_a_moment_later_stalls_nothing() -> None:
    def look(
        previous: Mapping[str, Any], seconds: int, missing: Sequence[str] = ("keys",)
    ) -> dict[str, Any]:
        return summary(
            KEYS,
            deployment(ready=0),
            previous=previous,
            later_seconds=seconds,
            missing_secrets=missing,
        ).status

    first = look({}, 0)
    assert "Stalled" not in conditions(look(first, 59))
    assert conditions(look(first, 60))["Stalled"]["reason"] == "SecretNotFound"
    # It came and went: the time begins anew.
    again = look(look(first, 30, missing=()), 70)
    assert "Stalled" not in conditions(again)
    assert "Stalled" not in conditions(look(again, 129))
    assert "Stalled" in conditions(look(again, 130))
    # So it does for a new generation, whose Secret may be part of the same change.
    begun = begin(service(KEYS, generation=2), look(first, 60), NOW)
    assert "Stalled" not in conditions(look(begun, 70))


def test_one_pod_serves_and_two_pods_serve() -> None:
    one, two = (summary(live=deployment(desired=count)).status for count in (1, 2))
    assert conditions(one)["Available"]["message"] == "1 pod serves"
    assert conditions(two)["Available"]["message"] == "2 pods serve"


EXPOSED = exposed(tls={"secretName": "faq-tls"})


def test_an_exposed_service_has_the_outside_url_and_conditions_of_its_own() -> None:
    status = summary(EXPOSED, deployment(), children=routed(EXPOSED)).status
    assert status["url"] == "https://faq.example.com/score"
    assert status["internalURL"] == "http://faq.ml.svc/score"
    assert conditions(status)["ExposureReady"]["status"] == "True"
    assert conditions(status)["CertificateReady"]["reason"] == "SecretFound"
    begun = begin(service(EXPOSED, generation=2), status, NOW)
    assert {"ExposureReady", "CertificateReady"} <= set(conditions(begun))


def test_of_what_nobody_has_seen_nothing_is_affirmed() -> None:
    spec = EXPOSED | {"suspend": True}
    status = unseen(service(spec), PLATFORM, Observed(), NOW)
    states = {kind: item["status"] for kind, item in conditions(status).items()}
    assert "CertificateReady" not in states, "its Secret was not looked for"
    assert states.pop("Suspended") == "True", "so says the spec"
    assert set(states.values()) == {"False"}
    assert {"Available", "ModelLoaded", "ExposureReady"} <= states.keys()
    assert status["url"] == "https://faq.example.com/score"
    taken = unseen(service(spec), PLATFORM, Observed(host_owner="ml/older"), NOW)
    assert taken["url"] == taken["internalURL"]


def test_the_address_of_a_host_that_another_has_is_not_given_out() -> None:
    status = summary(EXPOSED, deployment(), host_owner="ml/older").status
    assert status["url"] == status["internalURL"]
    assert conditions(status)["ExposureReady"]["reason"] == "HostConflict"


def hpa_condition(kind: str, holds: bool, reason: str, message: str) -> dict[str, Any]:
    status = "True" if holds else "False"
    return {"type": kind, "status": status, "reason": reason, "message": message}


ABLE = hpa_condition("AbleToScale", True, "ReadyForNewScale", "recommended size matches")
ACTIVE = hpa_condition("ScalingActive", True, "ValidMetricFound", "computed from cpu")
BLIND = hpa_condition("ScalingActive", False, "FailedGetResourceMetric", "no metrics API")
UNABLE = hpa_condition("AbleToScale", False, "FailedGetScale", "deployments not found")
LIMITED = hpa_condition("ScalingLimited", True, "TooManyReplicas", "the maximum is 5")

HPA_CASES: list[tuple[list[dict[str, Any]], bool, str, str]] = [
    ([], False, "WaitingForAutoscaler", "not decided"),
    ([ABLE], False, "WaitingForAutoscaler", "not decided"),
    ([ABLE, ACTIVE], True, "ScalingActive", "computed from cpu"),
    ([ABLE, ACTIVE, LIMITED], True, "ScalingActive", "the maximum is 5"),
    ([ABLE, BLIND], False, "FailedGetResourceMetric", "no metrics API"),
    ([UNABLE], False, "FailedGetScale", "deployments not found"),
]


@pytest.mark.parametrize(("told", "active", "reason", "words"), HPA_CASES)
def test_what_the_autoscaler_says_of_itself(
    told: list[dict[str, Any]], active: bool, reason: str, words: str
) -> None:
    scaled = {"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}
    live = deployment(desired=2)
    autoscaler = {("HorizontalPodAutoscaler", "faq"): {"status": {"conditions": told}}}
    status = summary(scaled, live, children=autoscaler).status
    condition = conditions(status)["AutoscalingActive"]
    assert (condition["status"] == "True", condition["reason"]) == (active, reason)
    assert words in condition["message"]
    # It serves with the pods that it has, whether more can come or not.
    assert ready(status) == ("True", "AllReplicasReady")
    suspended = summary({**scaled, "suspend": True}, deployment(desired=0)).status
    assert "AutoscalingActive" not in conditions(suspended)


def test_what_the_spec_left_open_is_shown_as_it_came_out() -> None:
    spread = {"spec": {"topologySpreadConstraints": [{"maxSkew": 1}]}}
    live = deployment(desired=2)
    live["spec"]["template"] = spread
    children: dict[tuple[str, str], dict[str, Any]] = {
        ("PodDisruptionBudget", "faq"): {},
        ("PodMonitor", "faq"): {},
    }
    effective = summary(IMAGE_GPU, live, children=children).status["effective"]
    assert effective["strategy"] == "InPlace"
    assert effective["requests"]["nvidia.com/gpu"] == effective["limits"]["nvidia.com/gpu"] == "1"
    auto = ("podDisruptionBudget", "topologySpread", "podMonitor")
    assert all(effective[key] for key in auto)


def test_begin_announces_the_generation_without_claiming_it() -> None:
    before = summary(live=deployment()).status
    status = begin(service(generation=2), before, NOW)
    assert status["observedGeneration"] == 2
    assert ready(status) == ("False", "RolloutInProgress")
    assert conditions(status)["Reconciling"]["observedGeneration"] == 2
    assert conditions(status)["Available"]["status"] == "True"


def test_a_change_of_a_suspended_service_does_not_look_like_its_resumption() -> None:
    before = summary({"suspend": True}, deployment(desired=0)).status
    still = begin(service({"suspend": True}, generation=2), before, NOW)
    assert "Suspended" in conditions(still)
    assert "Suspended" not in conditions(begin(service(generation=2), before, NOW))


def test_an_invalid_resource_is_stalled_and_what_runs_is_still_reported() -> None:
    before = summary(live=deployment(desired=2)).status
    status = summarize_invalid(resource(generation=2), "spec.x: unknown field", before, NOW).status
    assert ready(status) == ("False", "InvalidSpec")
    assert conditions(status)["Stalled"]["message"] == "spec.x: unknown field"
    assert conditions(status)["Available"]["status"] == "True"
    assert status["availableReplicas"] == 2
    assert status["observedGeneration"] == 2
