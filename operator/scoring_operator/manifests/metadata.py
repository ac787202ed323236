"""Metadata of the children: names, labels, and the owner reference that garbage collection follows.

The owner's labels and annotations are never copied: among them are the tracking labels of Argo CD
and Flux, which would then take the children for objects of their own.
"""

from typing import Any

from scoring_operator.api import (
    API_VERSION,
    KIND,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    MANAGED_BY,
    ScoringService,
)


def selector(service: ScoringService) -> dict[str, str]:
    """Labels that tell this service's pods from all others."""
    return {LABEL_NAME: service.metadata.name}


def labels(service: ScoringService) -> dict[str, str]:
    """Labels of every child."""
    return {
        "app.kubernetes.io/name": "scoring-service",
        "app.kubernetes.io/instance": service.metadata.name,
        LABEL_MANAGED_BY: MANAGED_BY,
        **selector(service),
    }


def child_metadata(service: ScoringService) -> dict[str, Any]:
    """Metadata of a child that carries its owner's name."""
    return {
        "name": service.metadata.name,
        "namespace": service.metadata.namespace,
        "labels": labels(service),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": service.metadata.name,
                "uid": service.metadata.uid,
                "controller": True,
            }
        ],
    }
