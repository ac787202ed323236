"""What is wrong with a pod, in one reason of the closed list and the cluster's own words."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from scoring_operator.status.reasons import Reason
from scoring_operator.status.trouble import Trouble

# The scoring server's exit status when it refuses its model or settings (EX_CONFIG of sysexits.h).
# Its last words begin with which of the two it was.
REFUSAL_EXIT_CODE: Final = 78
_CONFIGURATION_PREFIX: Final = "ConfigurationInvalid:"
_MODEL_PREFIX: Final = "ModelLoadFailed:"
# A GPU or its driver failed under the server, which only a new process may cure.
_LOST_PREFIX: Final = "DeviceLost:"

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
_CONFIG_REASON: Final = "CreateContainerConfigError"
# The runtime could not make or start the container: a command that is not in the image, a hook.
_START_REASONS: Final = frozenset(
    {
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
    }
)
_START_ENDS: Final = frozenset({"StartError", "ContainerCannotRun"})
_NOT_SCHEDULED: Final = frozenset({"Unschedulable", "SchedulingGated"})


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod gets requests."""
    return not is_terminating(pod) and any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in _status(pod).get("conditions", [])
    )


def is_terminating(pod: Mapping[str, Any]) -> bool:
    """Whether the pod is being deleted, or is already over (evicted, for instance)."""
    return _is_leaving(pod) or _status(pod).get("phase") in {"Succeeded", "Failed"}


def is_loading(pod: Mapping[str, Any]) -> bool:
    """Whether the pod's server runs, or fetches its model, and does not serve yet."""
    if is_ready(pod) or is_terminating(pod):
        return False
    fetching = any(
        "running" in container.get("state", {})
        for container in _status(pod).get("initContainerStatuses", [])
    )
    return fetching or _status(pod).get("phase") == "Running"


def is_stuck(pod: Mapping[str, Any]) -> bool:
    """Whether a node has taken the pod and its containers are not even made: volumes, network."""
    waiting = [
        container.get("state", {}).get("waiting", {}).get("reason")
        for container in _container_statuses(pod)
    ]
    return "ContainerCreating" in waiting and not is_terminating(pod)


def worst_trouble(
    pods: Sequence[Mapping[str, Any]], accelerator: str | None = None
) -> Trouble | None:
    """The trouble of the newest pod that has one; the newest pod shows what the current spec does.

    `accelerator` is the extended resource that the service asks for, if any.
    """
    return next(troubles(pods, accelerator), None)


def troubles(
    pods: Sequence[Mapping[str, Any]], accelerator: str | None = None
) -> Iterator[Trouble]:
    """The troubles of all pods that have one, the newest pod's first."""
    return filter(None, (trouble(pod, accelerator) for pod in newest_first(pods)))


def newest_first(pods: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The pods by age."""
    return sorted(
        pods,
        key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]),
        reverse=True,
    )


def trouble(pod: Mapping[str, Any], accelerator: str | None = None) -> Trouble | None:
    """What keeps a pod from serving; None for a pod that serves, starts in peace, or goes away."""
    if is_ready(pod) or is_terminating(pod):
        return None
    return _scheduling_trouble(pod, accelerator) or _container_trouble(pod)


def lost_trouble(
    pods: Sequence[Mapping[str, Any]], accelerator: str | None = None
) -> Trouble | None:
    """Why the newest of the pods that a node gave up on is over: evicted, refused by the kubelet.

    Such pods are replaced at once and stay behind until they are collected, so they tell what
    happened and not what is.
    """
    for pod in newest_first(pods):
        status = _status(pod)
        if status.get("phase") != "Failed" or not status.get("reason") or _is_leaving(pod):
            continue
        message = f"{status['reason']}: {status.get('message', '')}"
        reason = _lost_reason(message, accelerator)
        return Trouble(reason, message, _name(pod), since=_last_change(pod))
    return None


def _last_change(pod: Mapping[str, Any]) -> str | None:
    times = [str(item.get("lastTransitionTime", "")) for item in _status(pod).get("conditions", [])]
    return max(times, default="") or None


def _lost_reason(message: str, accelerator: str | None) -> Reason:
    if accelerator is not None and accelerator in message:
        return Reason.INSUFFICIENT_ACCELERATORS
    if message.startswith("Evicted:"):
        out_of_memory = "low on resource: memory" in message
        return Reason.OUT_OF_MEMORY if out_of_memory else Reason.CRASH_LOOPING
    return Reason.UNSCHEDULABLE  # the kubelet did not want it after all: OutOfcpu, NodeAffinity


def _scheduling_trouble(pod: Mapping[str, Any], accelerator: str | None) -> Trouble | None:
    for condition in _status(pod).get("conditions", []):
        if condition.get("type") == "PodScheduled" and condition.get("reason") in _NOT_SCHEDULED:
            message = condition.get("message", "")
            lacking = accelerator is not None and _lacks(message, accelerator)
            reason = Reason.INSUFFICIENT_ACCELERATORS if lacking else Reason.UNSCHEDULABLE
            return Trouble(reason, message, _name(pod))
    return None


def _lacks(message: str, accelerator: str) -> bool:
    # A longer resource name may begin with this one: nvidia.com/gpu, nvidia.com/gpu.shared.
    return bool(re.search(rf"Insufficient {re.escape(accelerator)}(?![\w.-]*\w)", message))


def _container_trouble(pod: Mapping[str, Any]) -> Trouble | None:
    for container in _container_statuses(pod):
        waiting = container.get("state", {}).get("waiting", {})
        found = _waiting_trouble(waiting) or _terminated_trouble(container)
        if found is not None:
            return Trouble(*found, pod=_name(pod), restarts=container.get("restartCount", 0))
    return None


def _waiting_trouble(waiting: Mapping[str, Any]) -> tuple[Reason, str] | None:
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _IMAGE_REASONS:
        # The kubelet alternates between the error and its back-off, which quotes the error.
        return Reason.IMAGE_PULL_FAILED, message.split("ErrImagePull: ", 1)[-1] or reason
    if reason == _CONFIG_REASON:
        missing_secret = re.search(r'secret "[^"]*" not found', message)
        return (Reason.SECRET_NOT_FOUND if missing_secret else Reason.INVALID_SPEC), message
    if reason in _START_REASONS:
        return Reason.CRASH_LOOPING, f"{reason}: {message}"
    return None


def _terminated_trouble(container: Mapping[str, Any]) -> tuple[Reason, str] | None:
    state, last = container.get("state", {}), container.get("lastState", {})
    end = state.get("terminated") or last.get("terminated")
    if not end:
        return None
    code, message = end.get("exitCode"), end.get("message", "").strip()
    if code == 0:
        return _clean_end(container)
    if code == REFUSAL_EXIT_CODE:
        if message.startswith(_CONFIGURATION_PREFIX):
            said = message.removeprefix(_CONFIGURATION_PREFIX).strip()
            return Reason.CONFIGURATION_INVALID, said
        return Reason.MODEL_LOAD_FAILED, message.removeprefix(_MODEL_PREFIX).strip()
    if message.startswith(_LOST_PREFIX):
        return Reason.ACCELERATOR_LOST, message.removeprefix(_LOST_PREFIX).strip()
    if end.get("reason") == "OOMKilled":
        return Reason.OUT_OF_MEMORY, "the container exceeded its memory limit"
    if end.get("reason") in _START_ENDS:
        return Reason.CRASH_LOOPING, f"{end['reason']}: {message}"
    last_line = message.splitlines()[-1] if message else end.get("reason", "")
    return Reason.CRASH_LOOPING, f"exit status {code}: {last_line}"


def _clean_end(container: Mapping[str, Any]) -> tuple[Reason, str] | None:
    """A server does not end by itself: the kubelet stopped it, and it obeyed."""
    if not container.get("restartCount") or "terminated" in container.get("state", {}):
        return None  # an init container that is done, or a node that is being shut down
    return Reason.CRASH_LOOPING, (
        "the kubelet restarted the container, which had not answered its probes: it takes longer"
        " than startup.timeoutSeconds, or hung"
    )


def _container_statuses(pod: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    status = _status(pod)
    yield from status.get("initContainerStatuses", [])
    yield from status.get("containerStatuses", [])


def _is_leaving(pod: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _status(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    status: Mapping[str, Any] = pod.get("status", {})
    return status


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])
