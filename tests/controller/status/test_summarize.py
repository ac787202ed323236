"""The status says what was observed: conditions, counts, reasons, in every situation."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from scoring_operator.api.status import ScoringServiceStatus
from scoring_operator.manifests import Platform
from scoring_operator.status import (
    Observed,
    Refusal,
    Summary,
    begin,
    summarize,
    summarize_invalid,
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

PLATFORM = Platform(cpu_image="example.com/cpu:1", gpu_image="example.com/gpu:1")
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
    **observed: Any,
) -> Summary:
    children = {} if live is None else {("Deployment", "faq"): live}
    result = summarize(
        service(spec),
        PLATFORM,
        Observed(children=children, pods=pods, **observed),
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
        "threads": 16,
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


def test_pods_that_run_and_are_not_ready_are_loading_their_model() -> None:
    status = summary(live=deployment(ready=0), pods=[pod()]).status
    assert ready(status) == ("False", "ModelLoading")
    assert conditions(status)["ModelLoaded"]["status"] == "False"


SCHEDULER = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."

# One row per reason that a pod can give: (spec, pod, reason, part of the message).
POD_TROUBLES: list[tuple[Mapping[str, Any], Mapping[str, Any], str, str]] = [
    (
        IMAGE_GPU,
        pod(phase="Pending", conditions=unschedulable(SCHEDULER)),
        "InsufficientAccelerators",
        SCHEDULER,
    ),
    ({}, pod(phase="Pending", conditions=unschedulable(SCHEDULER)), "Unschedulable", SCHEDULER),
    (
        IMAGE_GPU,
        pod(phase="Pending", conditions=unschedulable("0/1 nodes: 1 Insufficient memory.")),
        "Unschedulable",
        "Insufficient memory",
    ),
    (
        {},
        pod(phase="Pending", containers=[waiting("ErrImagePull", "not found")]),
        "ImagePullFailed",
        "not found",
    ),
    (
        {},
        pod(
            phase="Pending",
            containers=[
                waiting("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: no host')
            ],
        ),
        "ImagePullFailed",
        "pod faq-1: no host",
    ),
    ({}, pod(containers=[waiting("InvalidImageName")]), "ImagePullFailed", "InvalidImageName"),
    (
        {},
        pod(containers=[waiting("CreateContainerConfigError", 'secret "keys" not found')]),
        "SecretNotFound",
        'secret "keys" not found',
    ),
    (
        {},
        pod(containers=[waiting("CreateContainerConfigError", 'configmap "c" not found')]),
        "InvalidSpec",
        'configmap "c" not found',
    ),
    ({}, pod(containers=[crashed(1, "boom\nValueError: x")]), "CrashLooping", "ValueError: x"),
    ({}, pod(containers=[crashed(137, reason="OOMKilled")]), "OutOfMemory", "memory limit"),
    (
        {},
        pod(containers=[crashed(78, "ModelLoadFailed: model.npz is damaged")]),
        "ModelLoadFailed",
        "pod faq-1: model.npz is damaged",
    ),
    (
        {},
        pod(phase="Pending", init_containers=[crashed(78, "ModelLoadFailed: wrong sha256")]),
        "ModelLoadFailed",
        "wrong sha256",
    ),
]


@pytest.mark.parametrize(
    ("spec", "trouble", "reason", "message"),
    POD_TROUBLES,
    ids=[f"{row[2]}-{index}" for index, row in enumerate(POD_TROUBLES)],
)
def test_a_pods_trouble_becomes_the_reason_in_the_clusters_words(
    spec: Mapping[str, Any], trouble: Mapping[str, Any], reason: str, message: str
) -> None:
    status = summary(spec, deployment(ready=0), [trouble]).status
    assert ready(status) == ("False", reason)
    assert message in conditions(status)["Ready"]["message"]
    assert conditions(status)["Reconciling"]["reason"] == reason
    assert status["lastFailure"]["reason"] == reason
    assert status["lastFailure"]["pod"] == "faq-1"


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


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "faq-1" is forbidden: exceeded quota: small, requested: pods=1', "QuotaExceeded"),
        ('pods "faq-1" is forbidden: violates PodSecurity "restricted"', "AdmissionDenied"),
    ],
)
def test_pods_that_cannot_be_made_are_reported(message: str, reason: str) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": message}
    result = summary(live=deployment(ready=0, replicas=0, updated=0, conditions=[failure]))
    assert ready(result.status) == ("False", reason)
    assert message in conditions(result.status)["Ready"]["message"]
    assert result.look_again_seconds is not None


def test_past_the_deadline_a_rollout_is_stalled() -> None:
    live = deployment(ready=0, conditions=[DEADLINE])
    status = summary(live=live, pods=[pod(phase="Pending")]).status
    assert ready(status) == ("False", "RolloutDeadlineExceeded")
    assert conditions(status)["Stalled"]["reason"] == "RolloutDeadlineExceeded"
    assert "timed out progressing" in conditions(status)["Stalled"]["message"]


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


def test_a_refusal_that_may_pass_is_not_terminal() -> None:
    refusal = Refusal("Deployment", "faq", Reason.QUOTA_EXCEEDED, "exceeded quota")
    status = summary(refusals=[refusal]).status
    assert "Reconciling" in conditions(status)


def test_a_suspended_service_is_as_it_should_be_and_serves_nothing() -> None:
    status = summary({"suspend": True, "replicas": 3}, deployment(desired=0)).status
    assert ready(status) == ("True", "Suspended")
    assert conditions(status)["Suspended"]["status"] == "True"
    assert conditions(status)["Available"]["status"] == "False"


def test_a_service_scaled_to_zero_says_so() -> None:
    status = summary({"replicas": 0}, deployment(desired=0)).status
    assert ready(status) == ("True", "ScaledToZero")


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


def test_begin_announces_the_generation_without_claiming_it() -> None:
    before = summary(live=deployment()).status
    status = begin(service(generation=2), before, NOW)
    assert status["observedGeneration"] == 2
    assert ready(status) == ("False", "RolloutInProgress")
    assert conditions(status)["Reconciling"]["observedGeneration"] == 2
    assert conditions(status)["Available"]["status"] == "True"


def test_an_invalid_resource_is_stalled_and_what_runs_is_still_reported() -> None:
    before = summary(live=deployment(desired=2)).status
    status = summarize_invalid(resource(generation=2), "spec.x: unknown field", before, NOW).status
    assert ready(status) == ("False", "InvalidSpec")
    assert conditions(status)["Stalled"]["message"] == "spec.x: unknown field"
    assert conditions(status)["Available"]["status"] == "True"
    assert status["availableReplicas"] == 2
    assert status["observedGeneration"] == 2
