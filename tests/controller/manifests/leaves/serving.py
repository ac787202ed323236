"""Model, hardware, resources, the server and what is around it."""

from collections.abc import Mapping
from typing import Any

from tests.controller.builders import IMAGE_CPU, IMAGE_GPU
from tests.controller.manifests.leaves.children import (
    annotations,
    container,
    env,
    pod,
    volume,
)
from tests.controller.manifests.leaves.row import Row


def source(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": {"type": "faq-matching", "source": value}}


def gpu(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": settings}}


def peer(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"networkPolicy": {"from": [value]}}


_DOWNLOAD = source({"url": "https://example.com:8443/m.tar", "sha256": "ab" * 32})
_RANGES = {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "192.0.2.0/24"]}

SERVING = [
    Row("model.type", {}, lambda c: env(c)["SCORING_MODEL_TYPE"], "faq-matching"),
    Row("model.type", IMAGE_CPU, lambda c: env(c)["SCORING_MODEL_TYPE"], "image-classification"),
    Row(
        "model.source.persistentVolumeClaim.claimName",
        source({"persistentVolumeClaim": {"claimName": "models"}}),
        lambda c: volume(c, "model")["persistentVolumeClaim"],
        {"claimName": "models", "readOnly": True},
    ),
    Row(
        "model.source.persistentVolumeClaim.path",
        source({"persistentVolumeClaim": {"claimName": "models", "path": "faq/v2"}}),
        lambda c: env(c)["SCORING_MODEL_PATH"],
        "/models/faq/v2",
    ),
    Row(
        "model.source.image.reference",
        source({"image": {"reference": "example.com/model:1"}}),
        lambda c: volume(c, "model")["image"],
        {"reference": "example.com/model:1", "pullPolicy": "IfNotPresent"},
    ),
    Row(
        "model.source.image.pullPolicy",
        source({"image": {"reference": "example.com/model:1", "pullPolicy": "Never"}}),
        lambda c: volume(c, "model")["image"]["pullPolicy"],
        "Never",
    ),
    Row(
        "model.source.url",
        _DOWNLOAD,
        lambda c: (
            pod(c)["initContainers"][0]["command"][:3],
            c["NetworkPolicy"]["spec"]["egress"][1:],
        ),
        (
            ["scoring-fetch", "--url", "https://example.com:8443/m.tar"],
            [{"ports": [{"port": 8443, "protocol": "TCP"}]}],
        ),
    ),
    Row(
        "model.source.sha256",
        _DOWNLOAD,
        lambda c: pod(c)["initContainers"][0]["command"][3:5],
        ["--sha256", "ab" * 32],
    ),
    Row("image", {"image": "x.io/a:2"}, lambda c: container(c)["image"], "x.io/a:2"),
    Row(
        "imagePullSecrets[].name",
        {"imagePullSecrets": [{"name": "regcred"}]},
        lambda c: pod(c)["imagePullSecrets"],
        [{"name": "regcred"}],
    ),
    Row("hardware.type", IMAGE_GPU, lambda c: env(c)["SCORING_DEVICE"], "gpu"),
    Row(
        "hardware.gpu.count",
        gpu({"count": 2}),
        lambda c: container(c)["resources"]["limits"]["nvidia.com/gpu"],
        "2",
    ),
    Row(
        "hardware.gpu.resourceName",
        gpu({"resourceName": "nvidia.com/mig-1g.5gb"}),
        lambda c: (
            container(c)["resources"]["requests"]["nvidia.com/mig-1g.5gb"],
            pod(c)["tolerations"][-1]["key"],
        ),
        ("1", "nvidia.com/mig-1g.5gb"),
    ),
    Row(
        "hardware.gpu.nodeSelector",
        gpu({"nodeSelector": {"gpu": "h100"}}),
        lambda c: pod(c)["nodeSelector"],
        {"gpu": "h100"},
    ),
    Row(
        "resources.requests.cpu",
        {"resources": {"requests": {"cpu": "2.5"}}},
        lambda c: (container(c)["resources"]["requests"]["cpu"], env(c)["SCORING_CPUS"]),
        ("2500m", "2.5"),
    ),
    Row(
        "resources.requests.memory",
        {"resources": {"requests": {"memory": "1024Mi"}}},
        lambda c: container(c)["resources"]["requests"]["memory"],
        "1Gi",
    ),
    Row(
        "resources.limits.cpu",
        {"resources": {"limits": {"cpu": "3"}}},
        lambda c: (
            container(c)["resources"]["limits"]["cpu"],
            env(c)["SCORING_CPUS"],
            env(c)["SCORING_WORKERS"],
        ),
        ("3", "3", "3"),
    ),
    Row(
        "resources.limits.memory",
        {"resources": {"limits": {"memory": "300Mi"}}},
        lambda c: container(c)["resources"]["limits"]["memory"],
        "300Mi",
    ),
    Row(
        "server.workers",
        {"server": {"workers": 3}},
        lambda c: env(c)["SCORING_WORKERS"],
        "3",
    ),
    Row(
        "server.threads",
        {"server": {"threads": 7}},
        lambda c: env(c)["SCORING_THREADS"],
        "7",
    ),
    Row(
        "server.maxBatchSize",
        {**IMAGE_CPU, "server": {"maxBatchSize": 12}},
        lambda c: env(c)["SCORING_MAX_BATCH_SIZE"],
        "12",
    ),
    Row(
        "server.maxBatchDelayMilliseconds",
        {**IMAGE_CPU, "server": {"maxBatchDelayMilliseconds": 0}},
        lambda c: env(c)["SCORING_MAX_BATCH_DELAY_MILLISECONDS"],
        "0",
    ),
    Row(
        "server.torchCompile",
        {**IMAGE_GPU, "server": {"torchCompile": "Enabled"}},
        lambda c: (env(c)["SCORING_TORCH_COMPILE"], volume(c, "torch-compile")["emptyDir"]),
        ("on", {"sizeLimit": "2Gi"}),
    ),
    Row(
        "server.torchCompileClaimName",
        {**IMAGE_GPU, "server": {"torchCompile": "Enabled", "torchCompileClaimName": "kernels"}},
        lambda c: (
            volume(c, "torch-compile")["persistentVolumeClaim"],
            env(c)["SCORING_TORCH_CACHE_DIR"],
            container(c)["volumeMounts"][-1],
        ),
        (
            {"claimName": "kernels"},
            "/var/cache/torch",
            {"name": "torch-compile", "mountPath": "/var/cache/torch"},
        ),
    ),
    Row(
        "server.page",
        {"server": {"page": "Disabled"}},
        lambda c: env(c)["SCORING_PAGE"],
        "off",
    ),
    Row(
        "requestLimits.maxBodySize",
        {"requestLimits": {"maxBodySize": "1.5Mi"}},
        lambda c: env(c)["SCORING_MAX_BODY_BYTES"],
        "1572864",
    ),
    Row(
        "requestLimits.timeoutSeconds",
        {"requestLimits": {"timeoutSeconds": 90}},
        lambda c: (
            env(c)["SCORING_REQUEST_TIMEOUT_SECONDS"],
            env(c)["SCORING_DRAIN_SECONDS"],
            pod(c)["terminationGracePeriodSeconds"],
        ),
        ("90", "90", 110),
    ),
    Row(
        "requestLimits.maxConcurrency",
        {"requestLimits": {"maxConcurrency": 9}},
        lambda c: env(c)["SCORING_MAX_CONCURRENCY"],
        "9",
    ),
    Row(
        "startup.timeoutSeconds",
        {"startup": {"timeoutSeconds": 61}},
        lambda c: (
            container(c)["startupProbe"]["periodSeconds"]
            * container(c)["startupProbe"]["failureThreshold"]
        ),
        62,
    ),
    Row(
        "auth.apiKeys.secretName",
        {"auth": {"apiKeys": {"secretName": "keys"}}},
        lambda c: (volume(c, "api-keys")["secret"], env(c)["SCORING_API_KEYS_DIR"]),
        ({"secretName": "keys", "defaultMode": 0o440}, "/etc/scoring/api-keys"),
    ),
    Row(
        "service.type",
        {"service": {"type": "NodePort"}},
        lambda c: c["Service"]["spec"]["type"],
        "NodePort",
    ),
    Row(
        "service.port",
        {"service": {"port": 8000}},
        lambda c: c["Service"]["spec"]["ports"][0]["port"],
        8000,
    ),
    Row(
        "service.annotations",
        {"service": {"annotations": {"a/b": "c"}}},
        lambda c: annotations(c["Service"]),
        {"a/b": "c"},
    ),
    Row(
        "service.loadBalancerSourceRanges",
        {"service": _RANGES},
        lambda c: c["Service"]["spec"]["loadBalancerSourceRanges"],
        _RANGES["loadBalancerSourceRanges"],
    ),
    Row(
        "networkPolicy.enabled",
        {"networkPolicy": {"enabled": False}},
        lambda c: "NetworkPolicy" in c,
        False,
    ),
    *(
        Row(
            f"networkPolicy.from[].{leaf}",
            peer(value),
            lambda c: c["NetworkPolicy"]["spec"]["ingress"][0]["from"],
            [{"ipBlock": value} if leaf == "cidr" else value],
        )
        for leaf, value in (
            ("cidr", {"cidr": "10.0.0.0/8"}),
            ("podSelector.matchLabels", {"podSelector": {"matchLabels": {"a": "b"}}}),
            (
                "podSelector.matchExpressions[].key",
                {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
            ),
            (
                "podSelector.matchExpressions[].operator",
                {"podSelector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}},
            ),
            (
                "podSelector.matchExpressions[].values",
                {
                    "podSelector": {
                        "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]
                    }
                },
            ),
            (
                "namespaceSelector.matchLabels",
                {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}},
            ),
            (
                "namespaceSelector.matchExpressions[].key",
                {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
            ),
            (
                "namespaceSelector.matchExpressions[].operator",
                {
                    "namespaceSelector": {
                        "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]
                    }
                },
            ),
            (
                "namespaceSelector.matchExpressions[].values",
                {
                    "namespaceSelector": {
                        "matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]
                    }
                },
            ),
        )
    ),
    Row(
        "monitoring.podMonitor",
        {"monitoring": {"podMonitor": "Disabled"}},
        lambda c: "PodMonitor" in c,
        False,
    ),
    Row(
        "monitoring.podMonitor",
        {"monitoring": {"podMonitor": "Auto"}},
        lambda c: c["PodMonitor"]["spec"]["podMetricsEndpoints"],
        [{"port": "http", "path": "/metrics"}],
    ),
    Row(
        "monitoring.logLevel",
        {"monitoring": {"logLevel": "debug"}},
        lambda c: env(c)["SCORING_LOG_LEVEL"],
        "debug",
    ),
]
