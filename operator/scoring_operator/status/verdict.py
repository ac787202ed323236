"""The one answer to: is this service as it should be, and if not, why?"""

from dataclasses import dataclass, replace

from scoring_operator.api import ScoringService
from scoring_operator.manifests.sizing import gpu
from scoring_operator.status.observed import Observed
from scoring_operator.status.pods import Trouble, is_ready, is_terminating, worst_trouble
from scoring_operator.status.reasons import SELF_EXPLAINING, TERMINAL_REFUSALS, Reason
from scoring_operator.status.rollout import Rollout

# How often a model may fail to load before waiting is given up: the first restarts may be due to
# a volume or a download that was not there yet.
MODEL_LOAD_TRIES = 3


@dataclass(frozen=True)
class Verdict:
    """`ready` or a reason why not; `stalled` names the reason why waiting will not help."""

    ready: bool
    reason: Reason
    message: str
    stalled: Reason | None = None
    trouble: Trouble | None = None


def judge(service: ScoringService, observed: Observed, rollout: Rollout) -> Verdict:
    """Weigh what was observed, the most decisive first."""
    if observed.refusals:
        return _refused(observed)
    if not rollout.observed:
        return Verdict(False, Reason.ROLLOUT_IN_PROGRESS, "the Deployment is being updated")
    if rollout.complete:
        return _complete(service, rollout)
    verdict = _unfinished(service, observed, rollout)
    return verdict if rollout.deadline_message is None else _overdue(verdict, rollout)


def _refused(observed: Observed) -> Verdict:
    first = observed.refusals[0]
    message = "; ".join(f"{item.kind} {item.name}: {item.message}" for item in observed.refusals)
    stalled = first.reason if first.reason in TERMINAL_REFUSALS else None
    return Verdict(False, first.reason, message, stalled)


def _complete(service: ScoringService, rollout: Rollout) -> Verdict:
    if service.spec.suspend:
        return Verdict(True, Reason.SUSPENDED, "no pods run: spec.suspend is true")
    if rollout.desired == 0:
        return Verdict(True, Reason.SCALED_TO_ZERO, "no pods run: spec.replicas is 0")
    return Verdict(True, Reason.ALL_REPLICAS_READY, _counts(rollout))


def _unfinished(service: ScoringService, observed: Observed, rollout: Rollout) -> Verdict:
    gpus = gpu(service.spec)
    trouble = worst_trouble(observed.pods, gpus.resource_name if gpus else None)
    if trouble is not None:
        return _troubled(trouble, observed, rollout)
    if rollout.failure is not None:
        reason, message = rollout.failure
        return Verdict(False, reason, f"{_counts(rollout)}; {message}")
    starting = [pod for pod in observed.pods if not is_ready(pod) and not is_terminating(pod)]
    if starting and all(pod.get("status", {}).get("phase") == "Running" for pod in starting):
        return Verdict(False, Reason.MODEL_LOADING, f"{_counts(rollout)}; the model is loading")
    return Verdict(False, Reason.ROLLOUT_IN_PROGRESS, _counts(rollout))


def _troubled(trouble: Trouble, observed: Observed, rollout: Rollout) -> Verdict:
    reason, message = trouble.reason, trouble.message
    if reason == Reason.IMAGE_PULL_FAILED and observed.missing_secrets:
        reason = Reason.SECRET_NOT_FOUND
        names = ", ".join(observed.missing_secrets)
        message = f"imagePullSecrets not found in this namespace: {names}; {message}"
        trouble = replace(trouble, reason=reason, message=message)
    given_up = reason == Reason.MODEL_LOAD_FAILED and trouble.restarts >= MODEL_LOAD_TRIES
    text = f"{_counts(rollout)}; pod {trouble.pod}: {message}"
    return Verdict(False, reason, text, reason if given_up else None, trouble)


def _overdue(verdict: Verdict, rollout: Rollout) -> Verdict:
    known = verdict.trouble is not None or rollout.failure is not None
    stalled = (
        verdict.reason if verdict.reason in SELF_EXPLAINING else Reason.ROLLOUT_DEADLINE_EXCEEDED
    )
    return replace(
        verdict,
        reason=verdict.reason if known else Reason.ROLLOUT_DEADLINE_EXCEEDED,
        message=f"{rollout.deadline_message} {verdict.message}",
        stalled=stalled,
    )


def _counts(rollout: Rollout) -> str:
    text = f"{rollout.ready} of {rollout.desired} replicas ready"
    if rollout.updated < rollout.desired:
        text += f", {rollout.updated} updated"
    return text
