"""`kubectl explain` answers what a user asks of a field."""

from __future__ import annotations

import subprocess

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, eventually

pytestmark = pytest.mark.api


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("spec", ["autoscaling", "replicas", "kubectl scale", "Unless set: 500m CPU"]),
        ("spec.autoscaling.metrics", ["enum: CPU, Memory, Requests, External", "metrics-server"]),
        ("spec.rollout.strategy", ["ENUM: Auto Surge InPlace", "InPlace stops first"]),
        ("spec.auth.apiKeys.secretName", ["<string>", "without a restart"]),
        ("status.conditions", ["observedGeneration"]),
    ],
)
def test_explain_tells_types_choices_and_effects(
    field: str, words: list[str], api: Api, api_cluster: Cluster
) -> None:
    assert api  # the CRD is installed

    def explained() -> str:
        try:
            text = api_cluster.kubectl("explain", f"scoringservice.{field}")
        except subprocess.CalledProcessError:
            return ""
        return " ".join(text.split())

    # The API server's OpenAPI document learns of a new CRD a moment after it is served.
    text = eventually(explained, "the CRD is in the OpenAPI document", pause=1)
    for word in words:
        assert word in text, text
