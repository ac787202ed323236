"""The HorizontalPodAutoscaler that decides the number of serving pods."""

from typing import Any, Final

from scoring_operator.api import ScoringService
from scoring_operator.api.autoscaling import ScalingMetric
from scoring_operator.api.quantities import canonical_amount
from scoring_operator.manifests.metadata import child_metadata
from scoring_operator.manifests.pruning import without_empty

REQUESTS_METRIC: Final = "scoring_requests_in_flight"
"""The pods' gauge that metrics of type Requests go by."""
_POD_RESOURCES: Final = {"CPU": "cpu", "Memory": "memory"}


def horizontal_pod_autoscaler(service: ScoringService) -> list[dict[str, Any]]:
    """The manifest, where an autoscaler is in force.

    It scales the Deployment and not the ScoringService, whose spec belongs to its author.
    """
    scaler = service.spec.scaler
    if scaler is None:
        return []
    behavior = scaler.behavior.model_dump(by_alias=True, exclude_none=True)
    spec = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": service.metadata.name,
        },
        "minReplicas": scaler.min_replicas,
        "maxReplicas": scaler.max_replicas,
        "metrics": [_metric(metric) for metric in scaler.effective_metrics],
        "behavior": without_empty(behavior),
    }
    return [
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": child_metadata(service),
            "spec": without_empty(spec),
        }
    ]


def _metric(metric: ScalingMetric) -> dict[str, Any]:
    if metric.type in _POD_RESOURCES:
        target = {"type": "Utilization", "averageUtilization": metric.average_utilization}
        resource = {"name": _POD_RESOURCES[metric.type], "target": target}
        return {"type": "Resource", "resource": resource}
    if metric.type == "Requests":
        return {
            "type": "Pods",
            "pods": {"metric": {"name": REQUESTS_METRIC}, "target": _target(metric)},
        }
    identifier = {"name": metric.name, "selector": {"matchLabels": metric.selector}}
    return {"type": "External", "external": {"metric": identifier, "target": _target(metric)}}


def _target(metric: ScalingMetric) -> dict[str, Any]:
    if metric.value is not None:
        return {"type": "Value", "value": canonical_amount(metric.value)}
    if metric.average_value is not None:
        return {"type": "AverageValue", "averageValue": canonical_amount(metric.average_value)}
    raise ValueError(f"a metric of type {metric.type} without a value")
