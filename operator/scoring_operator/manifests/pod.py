"""The serving pod: one container that loads the model, warms it, and answers POST /score.

Pods meet the Pod Security Standard `restricted`, whatever the user adds.
"""

from math import ceil
from typing import Any, Final

from scoring_operator.api import ScoringService
from scoring_operator.api.pod import EnvVar
from scoring_operator.api.quantities import memory_bytes
from scoring_operator.api.server import Auto
from scoring_operator.api.spec import ScoringServiceSpec
from scoring_operator.manifests import sizing
from scoring_operator.manifests.metadata import labels, selector
from scoring_operator.manifests.model_source import MODEL_ROOT, ModelDelivery, deliver
from scoring_operator.manifests.platform import Platform
from scoring_operator.manifests.pruning import without_empty
from scoring_operator.manifests.secrets import pull_secrets

CONTAINER_NAME: Final = "scoring"
FETCH_CONTAINER_NAME: Final = "fetch-model"
PORT: Final = 8080
_USER: Final = 10001
# Worker heartbeats and the metrics of several workers live there; it counts as memory.
_TMP_SIZE: Final = "128Mi"
_KEYS_VOLUME: Final = "api-keys"
_KEYS_DIRECTORY: Final = "/etc/scoring/api-keys"
_COMPILE_VOLUME: Final = "torch-compile"
_COMPILE_DIRECTORY: Final = "/var/cache/torch"
# Kernels for a few batch sizes of one network take some tens of megabytes.
_COMPILE_SIZE: Final = "2Gi"
_TOPOLOGY_KEYS: Final = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
_STARTUP_PERIOD_SECONDS: Final = 2


def image(service: ScoringService, platform: Platform) -> str:
    """The scoring image: the spec's, else the operator's default for the hardware."""
    if service.spec.image:
        return service.spec.image
    return platform.gpu_image if service.spec.hardware.type == "gpu" else platform.cpu_image


def pod_template(service: ScoringService, platform: Platform) -> dict[str, Any]:
    """The Deployment's pod template."""
    spec = service.spec
    user = spec.pod_template
    delivery = deliver(spec.model.source, platform)
    pod_spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "serviceAccountName": user.service_account_name,
        # The API server fills in this old name of the field, and from it the new one for ever:
        # only who owns both can take them back.
        "serviceAccount": user.service_account_name,
        "priorityClassName": user.priority_class_name,
        "runtimeClassName": user.runtime_class_name,
        "nodeSelector": _node_selector(spec, platform),
        "tolerations": _tolerations(spec, platform),
        "topologySpreadConstraints": _topology_spread(service),
        "imagePullSecrets": [{"name": name} for name in pull_secrets(spec, platform)],
        "terminationGracePeriodSeconds": sizing.termination_grace_seconds(spec),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": _init_containers(service, platform, delivery),
        "containers": [_scoring_container(service, platform, delivery)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": _TMP_SIZE}},
            *delivery.volumes,
            *_key_volumes(spec),
            *_compile_volumes(spec),
        ],
    }
    metadata = {"labels": {**user.labels, **labels(service)}, "annotations": user.annotations}
    template: dict[str, Any] = without_empty({"metadata": metadata, "spec": pod_spec})
    if user.affinity is not None:
        # Kept out of the pruning: an empty selector in it selects everything, none selects nothing.
        template["spec"]["affinity"] = user.affinity.model_dump(
            by_alias=True, exclude_defaults=True
        )
    return template


def _scoring_container(
    service: ScoringService, platform: Platform, delivery: ModelDelivery
) -> dict[str, Any]:
    spec = service.spec
    drain = spec.rollout.drain_seconds
    startup_failures = ceil(spec.startup.timeout_seconds / _STARTUP_PERIOD_SECONDS)
    return {
        "name": CONTAINER_NAME,
        "image": image(service, platform),
        "imagePullPolicy": platform.image_pull_policy,
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "env": [*_server_env(spec, delivery), *(_user_env(env) for env in spec.pod_template.env)],
        "resources": _container_resources(spec),
        "startupProbe": _probe("/healthz/ready", _STARTUP_PERIOD_SECONDS, startup_failures),
        "readinessProbe": _probe("/healthz/ready", 5, 2),
        "livenessProbe": _probe("/healthz/live", 10, 3),
        # Traffic still arrives while endpoints are being removed: go on serving through it.
        "lifecycle": {"preStop": {"sleep": {"seconds": drain}}} if drain else None,
        "securityContext": _container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a mount path
            *delivery.mounts,
            *_key_mounts(spec),
            *_compile_mounts(spec),
        ],
    }


def _init_containers(
    service: ScoringService, platform: Platform, delivery: ModelDelivery
) -> list[dict[str, Any]]:
    if delivery.fetch is None:
        return []
    return [
        {
            "name": FETCH_CONTAINER_NAME,
            "image": image(service, platform),
            "imagePullPolicy": platform.image_pull_policy,
            "command": ["scoring-fetch", *delivery.fetch],
            "resources": {
                "requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"memory": "256Mi"},
            },
            "securityContext": _container_security(),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a mount path
                {"name": "model", "mountPath": MODEL_ROOT},
            ],
        }
    ]


def _server_env(spec: ScoringServiceSpec, delivery: ModelDelivery) -> list[dict[str, Any]]:
    server, limits = spec.server, spec.request_limits
    values = {
        "SCORING_MODEL_TYPE": spec.model.type,
        "SCORING_MODEL_PATH": delivery.path,
        "SCORING_DEVICE": spec.hardware.type,
        "SCORING_PORT": str(PORT),
        "SCORING_CPUS": f"{sizing.amounts(spec).cpus:g}",
        "SCORING_WORKERS": str(sizing.workers(spec)),
        "SCORING_THREADS": str(sizing.threads(spec)),
        "SCORING_MAX_BATCH_SIZE": _unless_auto(server.max_batch_size),
        "SCORING_MAX_BATCH_DELAY_MILLISECONDS": _unless_auto(server.max_batch_delay_milliseconds),
        "SCORING_TORCH_COMPILE": "on" if _compiles(spec) else None,
        "SCORING_TORCH_CACHE_DIR": _COMPILE_DIRECTORY if _compiles(spec) else None,
        "SCORING_MAX_BODY_BYTES": str(memory_bytes(limits.max_body_size)),
        "SCORING_REQUEST_TIMEOUT_SECONDS": str(limits.timeout_seconds),
        "SCORING_MAX_CONCURRENCY": _unless_auto(limits.max_concurrency),
        # What is in flight when the server is told to stop ends within its time-out.
        "SCORING_DRAIN_SECONDS": str(limits.timeout_seconds),
        "SCORING_LOG_LEVEL": spec.monitoring.log_level,
        # On is the server's default.
        "SCORING_PAGE": "off" if server.page == "Disabled" else None,
        "SCORING_API_KEYS_DIR": _KEYS_DIRECTORY if spec.auth else None,
        "SCORING_PATH_PREFIX": (spec.exposure.prefix or None) if spec.exposure else None,
        # Without it, the NVIDIA runtime shows every GPU of the node to a pod that asked for none.
        "NVIDIA_VISIBLE_DEVICES": "void" if spec.hardware.type == "cpu" else None,
    }
    return [{"name": name, "value": value} for name, value in values.items() if value is not None]


def _unless_auto(size: int | Auto) -> str | None:
    return None if size == "auto" else str(size)


def _user_env(env: EnvVar) -> dict[str, Any]:
    # The API server drops an empty value, which means the same.
    return {"name": env.name, "value": env.value or None, "valueFrom": _dump(env.value_from)}


def _container_resources(spec: ScoringServiceSpec) -> dict[str, Any]:
    amounts = sizing.amounts(spec)
    accelerators = {}
    if gpu := sizing.gpu(spec):
        accelerators = {gpu.resource_name: str(gpu.count)}
    return {
        "requests": {
            "cpu": amounts.cpu_request,
            "memory": amounts.memory_request,
            **accelerators,
        },
        "limits": {"cpu": amounts.cpu_limit, "memory": amounts.memory_limit, **accelerators},
    }


def _key_volumes(spec: ScoringServiceSpec) -> list[dict[str, Any]]:
    if spec.auth is None:
        return []
    secret = {"secretName": spec.auth.api_keys.secret_name, "defaultMode": 0o440}
    return [{"name": _KEYS_VOLUME, "secret": secret}]


def _key_mounts(spec: ScoringServiceSpec) -> list[dict[str, Any]]:
    if spec.auth is None:
        return []
    # The folder and not single files: only so the kubelet brings changed keys to running pods.
    return [{"name": _KEYS_VOLUME, "mountPath": _KEYS_DIRECTORY, "readOnly": True}]


def _compiles(spec: ScoringServiceSpec) -> bool:
    return spec.server.torch_compile == "Enabled"


def _compile_volumes(spec: ScoringServiceSpec) -> list[dict[str, Any]]:
    if not _compiles(spec):
        return []
    claim = spec.server.torch_compile_claim_name
    if claim is not None:
        return [{"name": _COMPILE_VOLUME, "persistentVolumeClaim": {"claimName": claim}}]
    return [{"name": _COMPILE_VOLUME, "emptyDir": {"sizeLimit": _COMPILE_SIZE}}]


def _compile_mounts(spec: ScoringServiceSpec) -> list[dict[str, Any]]:
    if not _compiles(spec):
        return []
    return [{"name": _COMPILE_VOLUME, "mountPath": _COMPILE_DIRECTORY}]


def _topology_spread(service: ScoringService) -> list[dict[str, Any]]:
    # Also for a single pod, which it does not bind: else scaling from one pod to two would change
    # the template, and so replace the pod that serves.
    if service.spec.availability.topology_spread == "Disabled":
        return []
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            # A full zone must not keep pods from running elsewhere.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(service)},
            # Pods of the old revision, about to go, do not count in a roll-out.
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in _TOPOLOGY_KEYS
    ]


def _node_selector(spec: ScoringServiceSpec, platform: Platform) -> dict[str, str]:
    gpu = sizing.gpu(spec)
    for_gpu = {**platform.gpu_node_selector, **gpu.node_selector} if gpu else {}
    return {**for_gpu, **spec.pod_template.node_selector}


def _tolerations(spec: ScoringServiceSpec, platform: Platform) -> list[dict[str, Any]]:
    tolerations = [_dump(toleration) for toleration in spec.pod_template.tolerations]
    if gpu := sizing.gpu(spec):
        tolerations += [dict(toleration) for toleration in platform.gpu_tolerations]
        # GPU nodes are commonly tainted with the resource's name.
        tolerations.append({"key": gpu.resource_name, "operator": "Exists", "effect": "NoSchedule"})
    return tolerations


def _probe(path: str, period_seconds: int, failure_threshold: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failure_threshold,
        "successThreshold": 1,
    }


def _container_security() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _dump(model: Any) -> Any:
    return None if model is None else model.model_dump(by_alias=True, exclude_none=True)
