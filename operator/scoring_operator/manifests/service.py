"""The Service in front of the serving pods."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests.metadata import child_metadata, selector
from scoring_operator.manifests.pruning import without_empty


def service_manifest(service: ScoringService) -> dict[str, Any]:
    """The Service's manifest."""
    settings = service.spec.service
    metadata = {**child_metadata(service), "annotations": settings.annotations}
    manifest: dict[str, Any] = without_empty(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "type": settings.type,
                "selector": selector(service),
                "loadBalancerSourceRanges": settings.load_balancer_source_ranges,
                "ports": [
                    {
                        "name": "http",
                        "port": settings.port,
                        "targetPort": "http",
                        "protocol": "TCP",
                    }
                ],
            },
        }
    )
    return manifest
