"""From what was observed to the status that the resource shows.

The conditions follow the kstatus convention, so that Flux, Argo CD, `helm --wait` and
`kubectl wait` understand them: Ready, and the abnormal-true Reconciling and Stalled, of which at
most one is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scoring_operator.api import LABEL_NAME, ScoringService
from scoring_operator.manifests import Platform, sizing
from scoring_operator.manifests.pod import image
from scoring_operator.status.conditions import Conditions, shorten, timestamp
from scoring_operator.status.observed import Observed
from scoring_operator.status.reasons import Reason
from scoring_operator.status.rollout import Rollout, read_rollout
from scoring_operator.status.verdict import Verdict, judge

# Nothing tells when a foreign object, a quota or a Secret changes: look again by the clock.
_BLOCKED_LOOK_SECONDS = 30.0

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
    deployment = observed.children.get(("Deployment", service.metadata.name))
    rollout = read_rollout(deployment)
    verdict = judge(service, observed, rollout)
    url = _internal_url(service)
    status: Status = {
        "observedGeneration": service.metadata.generation,
        "url": url,
        "internalURL": url,
        "replicas": rollout.replicas,
        "readyReplicas": rollout.ready,
        "updatedReplicas": rollout.updated,
        "availableReplicas": rollout.available,
        "selector": f"{LABEL_NAME}={service.metadata.name}",
        "image": image(service, platform),
        "effective": {
            "strategy": sizing.strategy(service.spec),
            "workers": sizing.workers(service.spec),
            "threads": sizing.threads(service.spec),
        },
        "conditions": _conditions(service, observed, rollout, verdict, previous_status, now),
    }
    if model := _model(observed, rollout, previous_status):
        status["model"] = model
    if failure := _last_failure(verdict, previous_status, now):
        status["lastFailure"] = failure
    blocked = observed.refusals or observed.missing_secrets or rollout.failure
    return Summary(status, _BLOCKED_LOOK_SECONDS if blocked else None)


def begin(service: ScoringService, previous_status: Mapping[str, Any], now: datetime) -> Status:
    """The status to write before the first child changes.

    Whoever waits for the new generation must not see it observed and still Ready from before.
    """
    conditions = Conditions(previous_status.get("conditions", []), service.metadata.generation, now)
    conditions.keep("Available")
    conditions.keep("ModelLoaded")
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
    conditions.keep("Available")
    conditions.keep("ModelLoaded")
    conditions.keep("Suspended")
    conditions.set("Ready", False, Reason.INVALID_SPEC, message)
    conditions.set("Stalled", True, Reason.INVALID_SPEC, message)
    status = {
        **previous_status,
        "observedGeneration": generation,
        "conditions": conditions.build(),
    }
    return Summary(status)


def _conditions(
    service: ScoringService,
    observed: Observed,
    rollout: Rollout,
    verdict: Verdict,
    previous_status: Mapping[str, Any],
    now: datetime,
) -> list[dict[str, Any]]:
    conditions = Conditions(previous_status.get("conditions", []), service.metadata.generation, now)
    model = _model(observed, rollout, previous_status) or {}
    random_weights = model.get("weights") == "random"
    warning = "; the model has random weights: its answers mean nothing" if random_weights else ""
    conditions.set("Ready", verdict.ready, verdict.reason, verdict.message + warning)
    _set_available(conditions, rollout)
    _set_model_loaded(conditions, model, rollout, verdict)
    if verdict.stalled is not None:
        conditions.set("Stalled", True, verdict.stalled, verdict.message)
    elif not verdict.ready:
        conditions.set("Reconciling", True, verdict.reason, verdict.message)
    if service.spec.suspend:
        conditions.set("Suspended", True, Reason.SUSPENDED, "spec.suspend is true")
    return conditions.build()


def _set_available(conditions: Conditions, rollout: Rollout) -> None:
    if rollout.available:
        conditions.set("Available", True, "Serving", f"{rollout.available} pods serve")
    else:
        conditions.set("Available", False, "NoPodServes", "no pod serves")


def _set_model_loaded(
    conditions: Conditions, model: Mapping[str, Any], rollout: Rollout, verdict: Verdict
) -> None:
    if not rollout.ready:
        conditions.set("ModelLoaded", False, verdict.reason, verdict.message)
        return
    if model.get("weights") == "random":
        conditions.set(
            "ModelLoaded", True, "RandomWeights", f"{model.get('name')} with random weights"
        )
    else:
        about = f"{model.get('name')} ({model.get('weights')})" if model else "ready pods have it"
        conditions.set("ModelLoaded", True, "Loaded", about)


def _model(
    observed: Observed, rollout: Rollout, previous_status: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """What a ready pod says of its model; the last answer stands while none can be asked."""
    if not rollout.ready:
        return None
    if observed.model is None:
        return previous_status.get("model")
    return {key: str(observed.model.get(key, "")) for key in ("name", "digest", "weights")}


def _last_failure(
    verdict: Verdict, previous_status: Mapping[str, Any], now: datetime
) -> Mapping[str, Any] | None:
    previous: Mapping[str, Any] | None = previous_status.get("lastFailure")
    if verdict.trouble is None:
        return previous
    failure = {
        "pod": verdict.trouble.pod,
        "reason": str(verdict.trouble.reason),
        "message": shorten(verdict.trouble.message),
    }
    if previous is not None and failure.items() <= previous.items():
        return previous
    return {**failure, "time": timestamp(now)}


def _internal_url(service: ScoringService) -> str:
    port = service.spec.service.port
    authority = f"{service.metadata.name}.{service.metadata.namespace}.svc"
    return f"http://{authority}{'' if port == 80 else f':{port}'}/score"
