"""From what was observed to the status that the resource shows.

The conditions follow the kstatus convention, so that Flux, Argo CD, `helm --wait` and
`kubectl wait` understand them: Ready, and the abnormal-true Reconciling and Stalled, of which at
most one is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scoring_operator.api import LABEL_NAME, ScoringService
from scoring_operator.manifests import Platform
from scoring_operator.manifests.pod import image
from scoring_operator.status.conditions import Conditions
from scoring_operator.status.effective import effective
from scoring_operator.status.exposure import Exposure, read_exposure
from scoring_operator.status.failure import is_over_grace, last_failure
from scoring_operator.status.judge import judge
from scoring_operator.status.observed import Observed
from scoring_operator.status.reasons import Reason
from scoring_operator.status.rollout import Rollout, read_rollout
from scoring_operator.status.scaling import read_scaling
from scoring_operator.status.verdict import Verdict
from scoring_operator.status.workload import judge_workload, lost_trouble

# Nothing tells when a foreign object, a quota or a Secret changes: look again by the clock.
_BLOCKED_LOOK_SECONDS = 30.0

# What is still true of the pods and children that run, whatever the new spec says.
_KEPT = ("Available", "ModelLoaded", "ExposureReady", "CertificateReady", "AutoscalingActive")

Status = dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """The status, and when to look again; None leaves it to events and the slow resync."""

    status: Status
    look_again_seconds: float | None = None


def summarize(
    service: ScoringService,
    platform: Platform,
    observed: Observed,
    previous_status: Mapping[str, Any],
    now: datetime,
) -> Summary:
    """The status of a valid resource."""
    name = service.metadata.name
    rollout = read_rollout(observed.children.get(("Deployment", name)))
    exposure = read_exposure(service, platform, observed)
    workload = judge_workload(service, platform, observed, rollout)
    verdict = judge(service, observed, workload, exposure)
    # Else what has cost pods that were replaced since.
    trouble = verdict.trouble or lost_trouble(service, observed)
    failure = last_failure(trouble, previous_status, now)
    if verdict.reason == Reason.SECRET_NOT_FOUND and is_over_grace(failure, now):
        verdict = replace(verdict, stalled=verdict.reason)
    conditions = Conditions(previous_status.get("conditions", []), service.metadata.generation, now)
    model = _model(observed, rollout, previous_status)
    _set_ready(conditions, verdict, model)
    _set_available(conditions, rollout)
    _set_model_loaded(conditions, rollout, workload, model)
    _set_exposure(conditions, exposure)
    if service.spec.scaler is not None:
        autoscaler = observed.children.get(("HorizontalPodAutoscaler", name))
        conditions.set("AutoscalingActive", *read_scaling(autoscaler))
    if service.spec.suspend:
        conditions.set("Suspended", True, Reason.SUSPENDED, "spec.suspend is true")
    status: Status = {
        "observedGeneration": service.metadata.generation,
        "url": _url(service, observed),
        "internalURL": _internal_url(service),
        "replicas": rollout.replicas,
        "readyReplicas": rollout.ready,
        "updatedReplicas": rollout.updated,
        "availableReplicas": rollout.available,
        "selector": f"{LABEL_NAME}={name}",
        "image": image(service, platform),
        "effective": effective(service, observed),
        "conditions": conditions.build(),
    }
    if model:
        status["model"] = model
    if failure:
        status["lastFailure"] = failure
    return Summary(status, _look_again(observed, rollout))


def unseen(
    service: ScoringService, platform: Platform, observed: Observed, now: datetime
) -> Status:
    """What can be said of a resource of which nothing was seen but what `observed` has.

    It goes into the first status, so that the next one is worth a write only when something has
    happened. Not in it is what only a look can affirm, such as that a Secret is there.
    """
    status = summarize(service, platform, observed, {}, now).status
    known = [
        condition
        for condition in status["conditions"]
        if condition["status"] == "False" or condition["type"] == "Suspended"
    ]
    return {**status, "conditions": known}


def begin(service: ScoringService, previous_status: Mapping[str, Any], now: datetime) -> Status:
    """The status to write before the first child changes.

    Whoever waits for the new generation must not see it observed and still Ready from before.
    """
    conditions = Conditions(previous_status.get("conditions", []), service.metadata.generation, now)
    conditions.keep(*_KEPT)
    if service.spec.suspend:
        conditions.keep("Suspended")
    conditions.set("Ready", False, Reason.ROLLOUT_IN_PROGRESS, "the change is being applied")
    conditions.set("Reconciling", True, Reason.ROLLOUT_IN_PROGRESS, "the change is being applied")
    return {
        **previous_status,
        "observedGeneration": service.metadata.generation,
        "conditions": conditions.build(),
    }


def summarize_invalid(
    obj: Mapping[str, Any], message: str, previous_status: Mapping[str, Any], now: datetime
) -> Summary:
    """The status of a resource that cannot be served as written: what runs is left as it is."""
    generation = obj["metadata"].get("generation", 0)
    conditions = Conditions(previous_status.get("conditions", []), generation, now)
    conditions.keep(*_KEPT, "Suspended")
    conditions.set("Ready", False, Reason.INVALID_SPEC, message)
    conditions.set("Stalled", True, Reason.INVALID_SPEC, message)
    status = {
        **previous_status,
        "observedGeneration": generation,
        "conditions": conditions.build(),
    }
    return Summary(status)


def _look_again(observed: Observed, rollout: Rollout) -> float | None:
    missing = observed.absent_kinds or observed.missing_secrets
    blocked = observed.refusals or missing or observed.host_owner or rollout.failure
    return _BLOCKED_LOOK_SECONDS if blocked else None


def _set_ready(conditions: Conditions, verdict: Verdict, model: Mapping[str, Any] | None) -> None:
    random_weights = model is not None and model.get("weights") == "random"
    warning = "; the model has random weights: its answers mean nothing" if random_weights else ""
    conditions.set("Ready", verdict.ready, verdict.reason, verdict.message + warning)
    if verdict.stalled is not None:
        conditions.set("Stalled", True, verdict.stalled, verdict.message)
    elif not verdict.ready:
        conditions.set("Reconciling", True, verdict.reason, verdict.message)


def _set_available(conditions: Conditions, rollout: Rollout) -> None:
    if rollout.available:
        serving = "1 pod serves" if rollout.available == 1 else f"{rollout.available} pods serve"
        conditions.set("Available", True, "Serving", serving)
    else:
        conditions.set("Available", False, "NoPodServes", "no pod serves")


def _set_model_loaded(
    conditions: Conditions, rollout: Rollout, workload: Verdict, model: Mapping[str, Any] | None
) -> None:
    if not rollout.ready:
        conditions.set("ModelLoaded", False, workload.reason, workload.message)
    elif model is not None and model.get("weights") == "random":
        about = f"{model.get('name')} with random weights"
        conditions.set("ModelLoaded", True, "RandomWeights", about)
    else:
        about = f"{model.get('name')} ({model.get('weights')})" if model else "ready pods have it"
        conditions.set("ModelLoaded", True, "Loaded", about)


def _set_exposure(conditions: Conditions, exposure: Exposure) -> None:
    aspects = {"ExposureReady": exposure.route, "CertificateReady": exposure.certificate}
    for kind, aspect in aspects.items():
        if aspect is not None:
            conditions.set(kind, aspect.ready, aspect.reason, aspect.message)


def _model(
    observed: Observed, rollout: Rollout, previous_status: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """What a ready pod says of its model; the last answer stands while none can be asked."""
    if not rollout.ready:
        return None
    if observed.model is None:
        return previous_status.get("model")
    return {key: str(observed.model.get(key, "")) for key in ("name", "digest", "weights")}


def _url(service: ScoringService, observed: Observed) -> str:
    exposure = service.spec.exposure
    # The address of a service that has the host already would lead to that one.
    if exposure is None or observed.host_owner is not None:
        return _internal_url(service)
    return exposure.url


def _internal_url(service: ScoringService) -> str:
    port = service.spec.service.port
    authority = f"{service.metadata.name}.{service.metadata.namespace}.svc"
    return f"http://{authority}{'' if port == 80 else f':{port}'}/score"
