"""The Deployment that runs the serving pods."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests import sizing
from scoring_operator.manifests.metadata import child_metadata, selector
from scoring_operator.manifests.platform import Platform
from scoring_operator.manifests.pod import pod_template


def deployment(service: ScoringService, platform: Platform) -> dict[str, Any]:
    """The Deployment's manifest."""
    spec = service.spec
    surge = sizing.strategy(spec) == "Surge"
    # While an autoscaler decides, replicas are not ours to say.
    replicas = {} if spec.desired_replicas is None else {"replicas": spec.desired_replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": child_metadata(service),
        "spec": {
            **replicas,
            "selector": {"matchLabels": selector(service)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {
                    "maxSurge": 1 if surge else 0,
                    "maxUnavailable": 0 if surge else 1,
                },
            },
            "progressDeadlineSeconds": spec.rollout.progress_deadline_seconds,
            "revisionHistoryLimit": 3,
            "template": pod_template(service, platform),
        },
    }
