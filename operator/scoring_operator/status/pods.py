"""What is wrong with a pod, in one reason of the closed list and the cluster's own words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoring_operator.status.reasons import Reason

# The scoring server's exit status when it refuses a model (EX_CONFIG of sysexits.h).
MODEL_LOAD_FAILED_EXIT_CODE: Final = 78
_MODEL_LOAD_FAILED_PREFIX: Final = "ModelLoadFailed:"

_IMAGE_REASONS: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_CONFIG_REASONS: Final = frozenset({"CreateContainerConfigError", "CreateContainerError"})


@dataclass(frozen=True)
class Trouble:
    """Why a pod does not serve."""

    pod: str
    reason: Reason
    message: str
    restarts: int = 0


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod gets requests."""
    return not is_terminating(pod) and any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in _status(pod).get("conditions", [])
    )


def is_terminating(pod: Mapping[str, Any]) -> bool:
    """Whether the pod is being deleted, or is already over (evicted, for instance)."""
    return "deletionTimestamp" in pod["metadata"] or _status(pod).get("phase") in {
        "Succeeded",
        "Failed",
    }


def worst_trouble(
    pods: Sequence[Mapping[str, Any]], accelerator: str | None = None
) -> Trouble | None:
    """The trouble of the newest pod that has one; the newest pod shows what the current spec does.

    `accelerator` is the extended resource that the service asks for, if any.
    """
    newest_first = sorted(
        pods,
        key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]),
        reverse=True,
    )
    return next(filter(None, (trouble(pod, accelerator) for pod in newest_first)), None)


def trouble(pod: Mapping[str, Any], accelerator: str | None = None) -> Trouble | None:
    """What keeps a pod from serving; None for a pod that serves, starts in peace, or goes away."""
    if is_ready(pod) or is_terminating(pod):
        return None
    return _scheduling_trouble(pod, accelerator) or _container_trouble(pod)


def _scheduling_trouble(pod: Mapping[str, Any], accelerator: str | None) -> Trouble | None:
    for condition in _status(pod).get("conditions", []):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            message = condition.get("message", "")
            lacking = accelerator is not None and f"Insufficient {accelerator}" in message
            reason = Reason.INSUFFICIENT_ACCELERATORS if lacking else Reason.UNSCHEDULABLE
            return Trouble(_name(pod), reason, message)
    return None


def _container_trouble(pod: Mapping[str, Any]) -> Trouble | None:
    for container in _container_statuses(pod):
        restarts = container.get("restartCount", 0)
        waiting = container.get("state", {}).get("waiting", {})
        found = _waiting_trouble(waiting) or _terminated_trouble(container)
        if found is not None:
            return Trouble(_name(pod), found[0], found[1], restarts)
    return None


def _waiting_trouble(waiting: Mapping[str, Any]) -> tuple[Reason, str] | None:
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _IMAGE_REASONS:
        # The kubelet alternates between the error and its back-off, which quotes the error.
        return Reason.IMAGE_PULL_FAILED, message.split("ErrImagePull: ", 1)[-1] or reason
    if reason in _CONFIG_REASONS:
        missing_secret = re.search(r'secret "[^"]*" not found', message)
        return (Reason.SECRET_NOT_FOUND if missing_secret else Reason.INVALID_SPEC), message
    return None


def _terminated_trouble(container: Mapping[str, Any]) -> tuple[Reason, str] | None:
    state, last = container.get("state", {}), container.get("lastState", {})
    end = state.get("terminated") or last.get("terminated")
    if not end or end.get("exitCode") == 0:
        return None
    code, message = end.get("exitCode"), end.get("message", "").strip()
    if code == MODEL_LOAD_FAILED_EXIT_CODE:
        return Reason.MODEL_LOAD_FAILED, message.removeprefix(_MODEL_LOAD_FAILED_PREFIX).strip()
    if end.get("reason") == "OOMKilled":
        return Reason.OUT_OF_MEMORY, "the container exceeded its memory limit"
    last_line = message.splitlines()[-1] if message else end.get("reason", "")
    return Reason.CRASH_LOOPING, f"exit status {code}: {last_line}"


def _container_statuses(pod: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    status = _status(pod)
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def _status(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    status: Mapping[str, Any] = pod.get("status", {})
    return status


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])
