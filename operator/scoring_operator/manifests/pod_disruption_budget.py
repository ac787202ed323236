"""The PodDisruptionBudget: a drain of nodes takes one serving pod at a time."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests.metadata import child_metadata, selector


def pod_disruption_budget(service: ScoringService) -> list[dict[str, Any]]:
    """The manifest, from two pods on: a budget for one pod would block every drain."""
    spec = service.spec
    if spec.fewest_replicas < 2 or spec.availability.pod_disruption_budget == "Disabled":
        return []
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": child_metadata(service),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": selector(service)},
                # A pod that does not serve is no loss, and must not keep a node from its upgrade.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
    ]
