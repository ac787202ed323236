"""From a ScoringService to everything that it should own."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests.deployment import deployment
from scoring_operator.manifests.exposure import exposure
from scoring_operator.manifests.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from scoring_operator.manifests.network_policy import network_policy
from scoring_operator.manifests.platform import Platform
from scoring_operator.manifests.pod_disruption_budget import pod_disruption_budget
from scoring_operator.manifests.pod_monitor import pod_monitor
from scoring_operator.manifests.service import service_manifest

Manifest = dict[str, Any]


def render(service: ScoringService, platform: Platform) -> list[Manifest]:
    """The complete manifests of the children, in the order in which they are applied.

    Quantities are canonical and nothing is empty, so that a manifest can be compared to the stored
    object field by field.
    """
    return [
        service_manifest(service),
        *network_policy(service),
        *pod_disruption_budget(service),
        deployment(service, platform),
        # Not before the Deployment: what it scales must have given up its replicas.
        *horizontal_pod_autoscaler(service),
        *exposure(service, platform),
        *pod_monitor(service, platform),
    ]
