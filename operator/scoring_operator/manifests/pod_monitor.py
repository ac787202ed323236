"""The PodMonitor, by which prometheus-operator finds the serving pods' metrics."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests.metadata import child_metadata, selector
from scoring_operator.manifests.platform import Platform


def pod_monitor(service: ScoringService, platform: Platform) -> list[dict[str, Any]]:
    """The manifest, unless it is switched off."""
    if service.spec.monitoring.pod_monitor == "Disabled":
        return []
    metadata = child_metadata(service)
    metadata["labels"] = {**platform.pod_monitor_labels, **metadata["labels"]}
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PodMonitor",
            "metadata": metadata,
            "spec": {
                "selector": {"matchLabels": selector(service)},
                "podMetricsEndpoints": [{"port": "http", "path": "/metrics"}],
            },
        }
    ]
