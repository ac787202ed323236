"""How the pods are, whatever else the service needs."""

from dataclasses import replace

from scoring_operator.api import ScoringService
from scoring_operator.manifests import Platform
from scoring_operator.manifests.sizing import gpu
from scoring_operator.status.observed import Observed
from scoring_operator.status.pods import is_loading, is_ready, is_stuck, is_terminating, troubles
from scoring_operator.status.pods import lost_trouble as lost_pod
from scoring_operator.status.pods import worst_trouble as worst_pod
from scoring_operator.status.reasons import NO_ROOM, SELF_EXPLAINING, SERVER_REFUSALS, Reason
from scoring_operator.status.rollout import Rollout
from scoring_operator.status.secrets import missing_pull_secrets
from scoring_operator.status.trouble import Trouble
from scoring_operator.status.verdict import Verdict

# How often a server may refuse its model or its settings before waiting is given up: the first
# restarts may be due to a volume, a download or a Secret that was not there yet.
SERVER_TRIES = 3


def judge_workload(
    service: ScoringService, platform: Platform, observed: Observed, rollout: Rollout
) -> Verdict:
    """Whether the wanted pods serve, and if not, why."""
    if not rollout.observed:
        return Verdict(False, Reason.ROLLOUT_IN_PROGRESS, "the Deployment is being updated")
    trouble = _worst_trouble(service, platform, observed)
    if rollout.complete:
        return _complete(service, rollout)
    if _scales(service, rollout) and _only_room_lacks(service, observed):
        verdict = _complete(service, rollout)
        if trouble is None:
            return verdict
        message = f"{verdict.message}; pod {trouble.pod}: {trouble.message}"
        return replace(verdict, message=message, trouble=trouble)
    verdict = _unfinished(service, observed, rollout, trouble)
    if rollout.deadline_message is None:
        return verdict
    return _overdue(verdict, observed, rollout)


def lost_trouble(service: ScoringService, observed: Observed) -> Trouble | None:
    """What happened to the newest pod that a node gave up on."""
    return lost_pod(observed.pods, _accelerator(service))


def _accelerator(service: ScoringService) -> str | None:
    gpus = gpu(service.spec)
    return gpus.resource_name if gpus else None


def _worst_trouble(
    service: ScoringService, platform: Platform, observed: Observed
) -> Trouble | None:
    trouble = worst_pod(observed.pods, _accelerator(service))
    alive = any(not is_terminating(pod) for pod in observed.pods)
    if trouble is None and not alive:
        return lost_trouble(service, observed)
    if trouble is not None and trouble.reason == Reason.IMAGE_PULL_FAILED:
        missing = missing_pull_secrets(service, platform, observed)
        if missing is not None:
            # Not the pod's fault: the next pod will fare no better.
            return replace(
                missing, message=f"{missing.message}; pod {trouble.pod}: {trouble.message}"
            )
    return trouble


def _scales(service: ScoringService, rollout: Rollout) -> bool:
    """Whether no more is under way than the autoscaler's adding or taking of pods.

    That is the normal life of an autoscaled service, which is ready with its fewest pods: the
    node for the next one may come in minutes, or never.
    """
    return (
        service.spec.scaler is not None
        and rollout.current
        and rollout.available >= service.spec.fewest_replicas
    )


def _only_room_lacks(service: ScoringService, observed: Observed) -> bool:
    """Whether no pod is in trouble, but for pods that no node takes."""
    found = troubles(observed.pods, _accelerator(service))
    return all(trouble.reason in NO_ROOM for trouble in found)


def _complete(service: ScoringService, rollout: Rollout) -> Verdict:
    spec = service.spec
    if spec.suspend:
        return Verdict(True, Reason.SUSPENDED, "no pods run: spec.suspend is true")
    if rollout.desired == 0 and spec.scaler is None:
        return Verdict(True, Reason.SCALED_TO_ZERO, "no pods run: spec.replicas is 0")
    if rollout.ready < spec.fewest_replicas:
        text = f"{rollout.ready} of at least {spec.fewest_replicas} replicas ready"
        return Verdict(False, Reason.ROLLOUT_IN_PROGRESS, text)
    return Verdict(True, Reason.ALL_REPLICAS_READY, _counts(rollout))


def _unfinished(
    service: ScoringService, observed: Observed, rollout: Rollout, trouble: Trouble | None
) -> Verdict:
    counts = _counts(rollout)
    if trouble is not None:
        given_up = trouble.reason in SERVER_REFUSALS and trouble.restarts >= SERVER_TRIES
        about = f"pod {trouble.pod}: " if trouble.pod else ""
        text = f"{counts}; {about}{trouble.message}"
        return Verdict(False, trouble.reason, text, trouble.reason if given_up else None, trouble)
    if rollout.failure is not None:
        reason, message = rollout.failure
        return Verdict(False, reason, f"{counts}; {message}", trouble=Trouble(reason, message))
    starting = [pod for pod in observed.pods if not is_ready(pod) and not is_terminating(pod)]
    if starting and all(is_loading(pod) for pod in starting):
        return Verdict(False, Reason.MODEL_LOADING, f"{counts}; the model is loading")
    return Verdict(False, Reason.ROLLOUT_IN_PROGRESS, counts)


def _overdue(verdict: Verdict, observed: Observed, rollout: Rollout) -> Verdict:
    message = f"{rollout.deadline_message} {verdict.message}"
    if verdict.trouble is not None:
        explains_itself = verdict.reason in SELF_EXPLAINING
        stalled = verdict.reason if explains_itself else Reason.ROLLOUT_DEADLINE_EXCEEDED
        return replace(verdict, message=message, stalled=stalled)
    reason = Reason.ROLLOUT_DEADLINE_EXCEEDED
    stuck = next((pod["metadata"]["name"] for pod in observed.pods if is_stuck(pod)), None)
    if stuck is not None:
        # Why a volume or the network is not there is told by Events alone.
        message += f"; `kubectl describe pod {stuck}` tells why its containers are not created"
    return Verdict(False, reason, message, reason, Trouble(reason, message))


def _counts(rollout: Rollout) -> str:
    text = f"{rollout.ready} of {rollout.desired} replicas ready"
    if rollout.updated < rollout.desired:
        text += f", {rollout.updated} updated"
    elif rollout.replicas > rollout.updated:
        text += f", {rollout.replicas - rollout.updated} still to be replaced"
    return text
