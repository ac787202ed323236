"""Specs that must be refused, once for all: by the API server and by the operator's own parser.

Each row has the spec, what the parser's message contains, and what the API server's message
contains; None where both use the same words (a rule's message).
"""

from __future__ import annotations

from typing import Any, NamedTuple

SHA = "ab" * 32
GPU = {"model": {"type": "image-classification"}, "hardware": {"type": "gpu"}}


class Invalid(NamedTuple):
    """A spec that is refused; without a model it gets the smallest one."""

    spec: dict[str, Any]
    parser: str
    server: str | None = None

    @property
    def server_says(self) -> str:
        """What the API server's message contains."""
        return self.parser if self.server is None else self.server


def _source(**source: Any) -> dict[str, Any]:
    return {"model": {"type": "faq-matching", "source": source}}


def _metric(**metric: Any) -> dict[str, Any]:
    return {"autoscaling": {"maxReplicas": 3, "metrics": [metric]}}


def _ingress(**exposure: Any) -> dict[str, Any]:
    return {"exposure": {"host": "faq.example.com", **exposure}}


_PARENT = {"parentRef": {"name": "public"}}
_CPU_METRIC = "CPU and Memory take averageUtilization and nothing else"
_EXTERNAL = "External takes a name and exactly one of value and averageValue"
_PEER = "give either cidr, or podSelector and namespaceSelector"

INVALID = [
    Invalid({"modle": {}}, "spec.modle: unknown field", 'unknown field "spec.modle"'),
    Invalid({"model": {}}, "spec.model.type: required", "spec.model.type: Required value"),
    Invalid({"model": {"type": "llm"}}, "spec.model.type: Input should be", "Unsupported value"),
    Invalid({"model": None}, "spec.model: Input should be", "spec.model"),
    # What to serve.
    Invalid(_source(url="https://example.com/faq.tar"), "url and sha256 go together"),
    Invalid(_source(sha256=SHA), "url and sha256 go together"),
    Invalid(_source(url="ftp://example.com/f", sha256=SHA), "spec.model.source.url"),
    Invalid(_source(url="https://u:p@example.com/f", sha256=SHA), "spec.model.source.url"),
    Invalid(_source(url="https://example.com:http/f", sha256=SHA), "spec.model.source.url"),
    Invalid(_source(url="https://example.com:65536/f", sha256=SHA), "spec.model.source.url"),
    Invalid(_source(url="https://exam ple.com/f", sha256=SHA), "spec.model.source.url"),
    Invalid(_source(url="https://example.com/f\0", sha256=SHA), "spec.model.source.url"),
    Invalid(_source(url="https://example.com/f", sha256=SHA.upper()), "spec.model.source.sha256"),
    Invalid(
        _source(image={"reference": "a"}, persistentVolumeClaim={"claimName": "b"}),
        "give at most one of persistentVolumeClaim, image and url",
    ),
    Invalid(
        _source(persistentVolumeClaim={"claimName": "b", "path": "../x"}),
        "persistentVolumeClaim.path",
    ),
    Invalid(
        _source(persistentVolumeClaim={"claimName": "b", "path": "/x"}),
        "persistentVolumeClaim.path",
    ),
    Invalid({"image": "has space"}, "spec.image"),
    # On what.
    Invalid({"hardware": {"gpu": {"count": 1}}}, "gpu settings need hardware.type: gpu"),
    Invalid({"hardware": {"type": "gpu"}}, "faq-matching runs on CPU"),
    Invalid({**GPU, "hardware": {"type": "gpu", "gpu": {"count": 0}}}, "spec.hardware.gpu.count"),
    Invalid(
        {**GPU, "hardware": {"type": "gpu", "gpu": {"resourceName": "gpu"}}},
        "spec.hardware.gpu.resourceName",
    ),
    Invalid({"resources": {"requests": {"cpu": "1.5Gi"}}}, "spec.resources.requests.cpu"),
    Invalid({"resources": {"requests": {"memory": "4GB"}}}, "spec.resources.requests.memory"),
    Invalid(
        {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}},
        "the cpu request must not exceed the cpu limit",
    ),
    Invalid(
        {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "2G"}}},
        "the memory request must not exceed the memory limit",
    ),
    Invalid({"resources": {"limits": {"cpu": 0}}}, "the cpu limit must be more than 0"),
    Invalid({"resources": {"limits": {"memory": "0Gi"}}}, "the memory limit must be more than 0"),
    # How many.
    Invalid({"replicas": "3"}, "spec.replicas: Input should be a valid integer", "spec.replicas"),
    Invalid({"replicas": -1}, "spec.replicas: Input should be greater", "spec.replicas"),
    Invalid({"replicas": True}, "spec.replicas: Input should be a valid integer", "spec.replicas"),
    Invalid(
        {"replicas": 2, "autoscaling": {"maxReplicas": 3}},
        "give at most one of replicas and autoscaling",
    ),
    Invalid(
        {"autoscaling": {"minReplicas": 4, "maxReplicas": 3}},
        "minReplicas must not exceed maxReplicas",
    ),
    Invalid({"autoscaling": {"minReplicas": 0, "maxReplicas": 3}}, "spec.autoscaling.minReplicas"),
    Invalid({"autoscaling": {}}, "spec.autoscaling.maxReplicas"),
    Invalid(_metric(type="CPU"), _CPU_METRIC),
    Invalid(_metric(type="Memory", averageUtilization=70, value=1), _CPU_METRIC),
    Invalid(_metric(type="Requests", value=3), "Requests takes averageValue"),
    Invalid(_metric(type="Requests", averageUtilization=70), _CPU_METRIC),
    Invalid(_metric(type="External", value=3), _EXTERNAL),
    Invalid(_metric(type="External", name="q", value=3, averageValue=3), _EXTERNAL),
    Invalid(
        _metric(type="CPU", averageUtilization=70, name="q"),
        "only External takes a name and a selector",
    ),
    Invalid(_metric(type="Requests", averageValue="8Gi"), "averageValue"),
    Invalid(_metric(type="Requests", averageValue="0m"), "must be more than 0"),
    # The server.
    Invalid({"server": {"workers": "many"}}, "spec.server.workers"),
    Invalid({"server": {"workers": 0}}, "spec.server.workers"),
    Invalid({"server": {"threads": 513}}, "spec.server.threads"),
    Invalid({"server": {"torchCompile": "Enabled"}}, "torchCompile needs hardware.type gpu"),
    Invalid({"server": {"torchCompileClaimName": "a"}}, "unless torchCompile is Enabled"),
    Invalid({"requestLimits": {"maxBodySize": "2Gi"}}, "must be from 1Ki to 1Gi"),
    Invalid({"requestLimits": {"maxBodySize": 1}}, "must be from 1Ki to 1Gi"),
    Invalid({"requestLimits": {"timeoutSeconds": 0}}, "spec.requestLimits.timeoutSeconds"),
    Invalid({"auth": {}}, "spec.auth.apiKeys"),
    Invalid({"auth": {"apiKeys": {"secretName": "A B"}}}, "spec.auth.apiKeys.secretName"),
    Invalid(
        {"rollout": {"progressDeadlineSeconds": 200}},
        "rollout.progressDeadlineSeconds (900 unless set) must exceed",
    ),
    # How it is reached.
    Invalid({"service": {"port": 0}}, "spec.service.port"),
    Invalid(
        {"service": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}},
        "loadBalancerSourceRanges need type: LoadBalancer",
    ),
    Invalid(
        {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.1/8"]}},
        "spec.service.loadBalancerSourceRanges",
    ),
    Invalid({"exposure": {}}, "spec.exposure.host"),
    Invalid({"exposure": {"tls": {"secretName": "t"}}}, "spec.exposure.host"),
    Invalid(_ingress(host="*.example.com"), "spec.exposure.host"),
    Invalid(_ingress(host="Example.com"), "spec.exposure.host"),
    Invalid(_ingress(path="faq"), "spec.exposure.path"),
    Invalid(_ingress(path="/a//b"), "spec.exposure.path"),
    Invalid(_ingress(api="Gateway"), "api: Gateway and gateway.parentRef go together"),
    Invalid(_ingress(gateway=_PARENT), "api: Gateway and gateway.parentRef go together"),
    Invalid(_ingress(api="Gateway", gateway={}), "spec.exposure.gateway.parentRef"),
    Invalid(
        _ingress(api="Gateway", gateway=_PARENT, tls={"secretName": "t"}),
        "the certificate belongs to the Gateway's listener",
    ),
    Invalid(
        _ingress(api="Gateway", gateway=_PARENT, ingress={"className": "nginx"}),
        "ingress settings need api: Ingress",
    ),
    Invalid(
        _ingress(api="Gateway", gateway=_PARENT, rateLimit={"requestsPerSecond": 5}),
        "the Gateway API has no rate limit",
    ),
    Invalid(_ingress(tls={"issuerRef": {"name": "ca"}}), "spec.exposure.tls.secretName"),
    Invalid(_ingress(rateLimit={"requestsPerSecond": 0}), "rateLimit.requestsPerSecond"),
    Invalid({"networkPolicy": {"from": [{}]}}, _PEER),
    Invalid({"networkPolicy": {"from": [{"cidr": "10.0.0.0/8", "podSelector": {}}]}}, _PEER),
    # The pods.
    Invalid(
        {"podTemplate": {"labels": {"scoring.dev/name": "x"}}}, "labels and annotations of the"
    ),
    Invalid(
        {"podTemplate": {"labels": {"a b": "x"}}},
        "is not a valid key",
        "keys must be of the form [prefix/]name",
    ),
    Invalid(
        {"podTemplate": {"env": [{"name": "SCORING_PORT", "value": "1"}]}},
        "SCORING_* and NVIDIA_VISIBLE_DEVICES are set by the operator",
    ),
    Invalid(
        {"podTemplate": {"env": [{"name": "A", "value": "1", "valueFrom": {
            "secretKeyRef": {"name": "s", "key": "k"}}}]}},
        "at most one of value and valueFrom",
    ),
    Invalid(
        {"podTemplate": {"env": [{"name": "A", "valueFrom": {}}]}},
        "exactly one of secretKeyRef and configMapKeyRef",
    ),
    Invalid(
        {"podTemplate": {"tolerations": [{"operator": "Equal", "value": "x"}]}},
        "a toleration without a key needs operator Exists",
    ),
]  # fmt: skip


def name_of(row: Invalid) -> str:
    """A name for the test of a row."""
    return f"{row.parser[:40]} {INVALID.index(row)}"
