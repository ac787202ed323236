"""The closed list of reasons of the Ready condition, and which of them waiting will not cure."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a service is ready, or not."""

    ALL_REPLICAS_READY = "AllReplicasReady"
    SCALED_TO_ZERO = "ScaledToZero"
    SUSPENDED = "Suspended"
    ROLLOUT_IN_PROGRESS = "RolloutInProgress"
    MODEL_LOADING = "ModelLoading"
    WAITING_FOR_ROUTE = "WaitingForRoute"
    WAITING_FOR_CERTIFICATE = "WaitingForCertificate"
    INSUFFICIENT_ACCELERATORS = "InsufficientAccelerators"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    ACCELERATOR_LOST = "AcceleratorLost"
    CRASH_LOOPING = "CrashLooping"
    OUT_OF_MEMORY = "OutOfMemory"
    MODEL_LOAD_FAILED = "ModelLoadFailed"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - the name of a reason
    QUOTA_EXCEEDED = "QuotaExceeded"
    ADMISSION_DENIED = "AdmissionDenied"
    ROLLOUT_DEADLINE_EXCEEDED = "RolloutDeadlineExceeded"
    INVALID_SPEC = "InvalidSpec"
    NAME_CONFLICT = "NameConflict"
    HOST_CONFLICT = "HostConflict"
    GATEWAY_API_NOT_INSTALLED = "GatewayAPINotInstalled"
    CERT_MANAGER_NOT_INSTALLED = "CertManagerNotInstalled"
    CONFIGURATION_INVALID = "ConfigurationInvalid"


def refused_by(message: str) -> Reason:
    """Who refused an object or a pod, by the API server's words: a quota, or admission.

    "failed quota" asks for a request or limit that the quota counts.
    """
    exceeded = "exceeded quota" in message or "failed quota" in message
    return Reason.QUOTA_EXCEEDED if exceeded else Reason.ADMISSION_DENIED


# On the way to being ready, as long as nothing is wrong.
PROGRESS = frozenset(
    {
        Reason.ROLLOUT_IN_PROGRESS,
        Reason.MODEL_LOADING,
        Reason.WAITING_FOR_ROUTE,
        Reason.WAITING_FOR_CERTIFICATE,
    }
)

# Only a change of the resource, or by whoever runs the cluster, resolves these. Quota and admission
# may change by themselves, so they are tried again.
TERMINAL = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.NAME_CONFLICT,
        Reason.HOST_CONFLICT,
        Reason.GATEWAY_API_NOT_INSTALLED,
        Reason.CERT_MANAGER_NOT_INSTALLED,
    }
)

# No node takes the pod. That says nothing of the other pods.
NO_ROOM = frozenset({Reason.UNSCHEDULABLE, Reason.INSUFFICIENT_ACCELERATORS})

# The server itself refuses to start: again and again with the same model and settings.
SERVER_REFUSALS = frozenset({Reason.MODEL_LOAD_FAILED, Reason.CONFIGURATION_INVALID})

# Past the roll-out's deadline these name the cause better than the deadline itself does.
SELF_EXPLAINING = SERVER_REFUSALS | {Reason.IMAGE_PULL_FAILED, Reason.SECRET_NOT_FOUND}
