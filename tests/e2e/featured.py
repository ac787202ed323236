"""ScoringServices that use every feature."""

from __future__ import annotations

from typing import Any

from tests.controller.manifests.leaves.pods import AFFINITY
from tests.e2e.api import Object
from tests.e2e.resources import scoring_service

_SPEED = {
    "stabilizationWindowSeconds": 60,
    "selectPolicy": "Min",
    "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
}


def featured(namespace: str) -> list[Object]:
    """Two, since some features exclude each other: by Ingress on GPUs, by Gateway on CPUs."""
    on_gpu: dict[str, Any] = {
        "model": {
            "type": "image-classification",
            "source": {"image": {"reference": "r.example.com/model:1"}},
        },
        "image": "r.example.com/scoring:1",
        "imagePullSecrets": [{"name": "regcred"}],
        "hardware": {
            "type": "gpu",
            "gpu": {
                "count": 2,
                "resourceName": "nvidia.com/mig-1g.10gb",
                "nodeSelector": {"gpu": "a"},
            },
        },
        "resources": {
            "requests": {"cpu": 2, "memory": "4Gi"},
            "limits": {"cpu": 4, "memory": "4Gi"},
        },
        "autoscaling": {
            "minReplicas": 2,
            "maxReplicas": 6,
            "metrics": [
                {"type": "CPU", "averageUtilization": 70},
                {"type": "Memory", "averageUtilization": 80},
                {"type": "Requests", "averageValue": "2.5"},
                {"type": "External", "name": "q", "value": "10", "selector": {"queue": "a"}},
            ],
            "behavior": {"scaleUp": _SPEED, "scaleDown": _SPEED},
        },
        "server": {
            "workers": 2,
            "threads": 8,
            "maxBatchSize": 16,
            "maxBatchDelayMilliseconds": 2,
        },
        "requestLimits": {"maxBodySize": "20Mi", "timeoutSeconds": 60, "maxConcurrency": 64},
        "auth": {"apiKeys": {"secretName": "keys"}},
        "service": {
            "type": "LoadBalancer",
            "port": 8080,
            "annotations": {"example.com/load-balancer": "internal"},
            "loadBalancerSourceRanges": ["10.0.0.0/8"],
        },
        "exposure": {
            "host": "images.example.com",
            "path": "/images",
            "tls": {"secretName": "tls", "issuerRef": {"kind": "ClusterIssuer", "name": "ca"}},
            "ingress": {"className": "traefik", "annotations": {"example.com/a": "b"}},
            "rateLimit": {"requestsPerSecond": 20},
        },
        "networkPolicy": {
            "from": [
                {"cidr": "10.0.0.0/8"},
                {"podSelector": {}, "namespaceSelector": {"matchLabels": {"team": "web"}}},
            ]
        },
        "monitoring": {"podMonitor": "Auto", "logLevel": "debug"},
        "podTemplate": {
            "labels": {"team": "ml"},
            "annotations": {"example.com/a": "b"},
            "env": [
                {"name": "A", "value": "b"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            ],
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": AFFINITY,
        },
    }
    by_gateway: dict[str, Any] = {
        "model": {
            "type": "faq-matching",
            "source": {"url": "http://files/model.tar", "sha256": "ab" * 32},
        },
        "replicas": 3,
        "exposure": {
            "api": "Gateway",
            "host": "faq.example.com",
            "path": "/faq",
            "gateway": {"parentRef": {"name": "public", "namespace": "infra"}},
        },
        "auth": {"apiKeys": {"secretName": "keys"}},
    }
    return [
        scoring_service(namespace, "featured-gpu", **on_gpu),
        scoring_service(namespace, "featured-gateway", **by_gateway),
    ]
