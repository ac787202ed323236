"""What the custom and the external metrics API answer, as JSON objects; pure."""

from collections.abc import Mapping
from typing import Any

CUSTOM = "custom.metrics.k8s.io/v1beta2"
EXTERNAL = "external.metrics.k8s.io/v1beta1"


def resources(api_version: str, names: list[str]) -> dict[str, Any]:
    """The discovery document of one of the two APIs."""
    kind = "MetricValueList" if api_version == CUSTOM else "ExternalMetricValueList"
    listed = [
        {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get"]}
        for name in names
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": listed,
    }


def of_pods(
    namespace: str, metric: str, values: Mapping[str, float], timestamp: str
) -> dict[str, Any]:
    """The value of a metric for each pod by name."""
    items = [
        {
            "describedObject": {
                "kind": "Pod",
                "apiVersion": "v1",
                "namespace": namespace,
                "name": pod,
            },
            "metric": {"name": metric},
            "timestamp": timestamp,
            "value": quantity(value),
        }
        for pod, value in values.items()
    ]
    return {"kind": "MetricValueList", "apiVersion": CUSTOM, "metadata": {}, "items": items}


def external(metric: str, value: float, timestamp: str) -> dict[str, Any]:
    """The one series of an external metric."""
    item = {
        "metricName": metric,
        "metricLabels": {},
        "timestamp": timestamp,
        "value": quantity(value),
    }
    return {
        "kind": "ExternalMetricValueList",
        "apiVersion": EXTERNAL,
        "metadata": {},
        "items": [item],
    }


def quantity(value: float) -> str:
    """A number as a Kubernetes quantity, to the thousandth."""
    return f"{round(value * 1000)}m"


def sample(text: str, metric: str) -> float | None:
    """The sum of a metric's samples in Prometheus's text format; None where there is none."""
    found = [
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith((f"{metric} ", f"{metric}{{"))
    ]
    return sum(found) if found else None
