"""How many pods run, and how they are replaced and spread."""

from collections.abc import Mapping
from typing import Any

from tests.controller.manifests.leaves.children import Children, at, container, metric, pod
from tests.controller.manifests.leaves.row import Row


def scaled(**settings: Any) -> dict[str, Any]:
    return {"autoscaling": {"maxReplicas": 5, **settings}}


def by(value: Mapping[str, Any]) -> dict[str, Any]:
    return scaled(metrics=[value])


def _autoscaler(children: Children) -> Any:
    return children["HorizontalPodAutoscaler"]["spec"]


_EXTERNAL = {"type": "External", "name": "queue_length", "value": "1500m"}
_POLICIES = [{"type": "Pods", "value": 3, "periodSeconds": 45}]
_RULES: dict[str, Any] = {
    "stabilizationWindowSeconds": 33,
    "selectPolicy": "Min",
    "policies": _POLICIES,
}

SCALING = [
    Row("replicas", {"replicas": 4}, lambda c: c["Deployment"]["spec"]["replicas"], 4),
    Row("replicas", {"replicas": 0}, lambda c: c["Deployment"]["spec"]["replicas"], 0),
    Row(
        "suspend",
        {"replicas": 4, "suspend": True},
        lambda c: c["Deployment"]["spec"]["replicas"],
        0,
    ),
    Row(
        "suspend",
        {**scaled(minReplicas=2), "suspend": True},
        lambda c: (c["Deployment"]["spec"]["replicas"], "HorizontalPodAutoscaler" in c),
        (0, False),
    ),
    Row(
        "autoscaling.minReplicas",
        scaled(minReplicas=2),
        lambda c: (_autoscaler(c)["minReplicas"], "PodDisruptionBudget" in c),
        (2, True),
    ),
    Row("autoscaling.maxReplicas", scaled(), lambda c: _autoscaler(c)["maxReplicas"], 5),
    Row(
        "autoscaling.metrics[].type",
        scaled(),
        lambda c: _autoscaler(c)["metrics"],
        [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 70},
                },
            }
        ],
    ),
    Row(
        "autoscaling.metrics[].type",
        by({"type": "Memory", "averageUtilization": 80}),
        lambda c: metric(c)["resource"]["name"],
        "memory",
    ),
    Row(
        "autoscaling.metrics[].averageUtilization",
        by({"type": "CPU", "averageUtilization": 55}),
        lambda c: metric(c)["resource"]["target"]["averageUtilization"],
        55,
    ),
    Row(
        "autoscaling.metrics[].averageValue",
        by({"type": "Requests", "averageValue": "2.50"}),
        lambda c: metric(c)["pods"],
        {
            "metric": {"name": "scoring_requests_in_flight"},
            "target": {"type": "AverageValue", "averageValue": "2500m"},
        },
    ),
    Row(
        "autoscaling.metrics[].averageValue",
        by({"type": "External", "name": "queue_length", "averageValue": 1000}),
        lambda c: metric(c)["external"]["target"],
        {"type": "AverageValue", "averageValue": "1k"},
    ),
    Row(
        "autoscaling.metrics[].value",
        by(_EXTERNAL),
        lambda c: metric(c)["external"]["target"],
        {"type": "Value", "value": "1500m"},
    ),
    Row(
        "autoscaling.metrics[].name",
        by(_EXTERNAL),
        lambda c: metric(c)["external"]["metric"],
        {"name": "queue_length"},
    ),
    Row(
        "autoscaling.metrics[].selector",
        by({**_EXTERNAL, "selector": {"queue": "faq"}}),
        lambda c: metric(c)["external"]["metric"]["selector"],
        {"matchLabels": {"queue": "faq"}},
    ),
    *(
        Row(
            f"autoscaling.behavior.{direction}.{leaf}",
            scaled(behavior={direction: {leaf: value}}),
            at(_autoscaler, "behavior", direction, leaf),
            value,
        )
        for direction in ("scaleUp", "scaleDown")
        for leaf, value in _RULES.items()
        if leaf != "policies"
    ),
    *(
        Row(
            f"autoscaling.behavior.{direction}.policies[].{leaf}",
            scaled(behavior={direction: _RULES}),
            at(_autoscaler, "behavior", direction, "policies"),
            _POLICIES,
        )
        for direction in ("scaleUp", "scaleDown")
        for leaf in _POLICIES[0]
    ),
    Row(
        "rollout.strategy",
        {"rollout": {"strategy": "InPlace"}},
        lambda c: c["Deployment"]["spec"]["strategy"]["rollingUpdate"],
        {"maxSurge": 0, "maxUnavailable": 1},
    ),
    Row(
        "rollout.drainSeconds",
        {"rollout": {"drainSeconds": 40}},
        lambda c: (
            container(c)["lifecycle"]["preStop"]["sleep"]["seconds"],
            pod(c)["terminationGracePeriodSeconds"],
        ),
        (40, 75),
    ),
    Row(
        "rollout.progressDeadlineSeconds",
        {"rollout": {"progressDeadlineSeconds": 400}},
        lambda c: c["Deployment"]["spec"]["progressDeadlineSeconds"],
        400,
    ),
    Row(
        "availability.podDisruptionBudget",
        {"replicas": 2},
        lambda c: c["PodDisruptionBudget"]["spec"]["maxUnavailable"],
        1,
    ),
    Row(
        "availability.podDisruptionBudget",
        {"replicas": 2, "availability": {"podDisruptionBudget": "Disabled"}},
        lambda c: "PodDisruptionBudget" in c,
        False,
    ),
    Row(
        "availability.topologySpread",
        {"replicas": 2},
        lambda c: [item["topologyKey"] for item in pod(c)["topologySpreadConstraints"]],
        ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
    ),
    Row(
        "availability.topologySpread",
        {"replicas": 2, "availability": {"topologySpread": "Disabled"}},
        lambda c: "topologySpreadConstraints" in pod(c),
        False,
    ),
]
