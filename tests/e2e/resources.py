"""ScoringServices for tests."""

from __future__ import annotations

from typing import Any

from tests.e2e.api import Object


def scoring_service(namespace: str, name: str = "faq", **spec: Any) -> Object:
    """A ScoringService; the smallest valid spec unless told."""
    return {
        "apiVersion": "scoring.dev/v1alpha1",
        "kind": "ScoringService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"model": {"type": "faq-matching"}, **spec},
    }
