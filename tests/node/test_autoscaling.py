"""A HorizontalPodAutoscaler adds pods under load and takes them away again; the resource tells it.

CPU comes from metrics-server. Requests in flight and the external metric come from a stand-in for
prometheus-adapter, which answers from the pods' real /metrics; the autoscaler is Kubernetes' own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.errors import ClusterError
from tests.node import custom_metrics
from tests.node.conftest import Product
from tests.node.custom_metrics import EXTERNAL_METRIC, MetricsServer
from tests.node.load import MANY_QUESTIONS, busy_clients
from tests.node.namespace import Namespace, poll

pytestmark = pytest.mark.node

# At once in both directions: the waiting of real behavior is Kubernetes' own and needs no proof.
AT_ONCE = {
    "scaleUp": {"stabilizationWindowSeconds": 0},
    "scaleDown": {"stabilizationWindowSeconds": 0},
}


@pytest.fixture
def metrics(product: Product, tmp_path: Path) -> Iterator[MetricsServer]:
    """The stand-in for an adapter."""
    if product.cluster.host_address is None:
        pytest.skip("needs to reach the pods, and an address that the API server reaches")
    with custom_metrics.registered(
        product.target, product.cluster.host_address, tmp_path
    ) as server:
        yield server


def serve(namespace: Namespace, metric: dict[str, Any]) -> None:
    scaling = {"minReplicas": 1, "maxReplicas": 3, "metrics": [metric], "behavior": AT_ONCE}
    namespace.serve("faq", autoscaling=scaling, rollout={"drainSeconds": 0})
    namespace.wait_ready("faq")


def wait_active(namespace: Namespace, status: str, seconds: float = 180) -> dict[str, Any]:
    """Wait for AutoscalingActive; the condition."""

    def look() -> dict[str, Any] | None:
        found = namespace.conditions("faq").get("AutoscalingActive")
        return found if found is not None and found["status"] == status else None

    condition = poll(look, seconds)
    assert condition is not None, namespace.conditions("faq")
    return condition


def wait_pods(namespace: Namespace, ready: int, seconds: float = 240) -> None:
    """Wait until the resource counts so many ready pods."""

    def look() -> bool | None:
        status = namespace.get("scoringservice", "faq").get("status", {})
        return (status.get("replicas"), status.get("readyReplicas")) == (ready, ready) or None

    assert poll(look, seconds), namespace.run("describe", "hpa", "faq")


def test_cpu_load_adds_pods_and_its_end_takes_them_away(
    namespace: Namespace, product: Product
) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs to reach cluster addresses")
    serve(namespace, {"type": "CPU", "averageUtilization": 60})
    wait_active(namespace, "True")
    with busy_clients(namespace.url("faq"), 4) as ledger:
        wait_pods(namespace, 3)
    assert ledger.answered > 0
    assert ledger.failed == []
    wait_pods(namespace, 1)
    namespace.wait_ready("faq")
    assert "replicas" not in namespace.get("scoringservice", "faq")["spec"]


def test_requests_in_flight_add_pods_and_their_end_takes_them_away(
    namespace: Namespace, metrics: MetricsServer
) -> None:
    serve(namespace, {"type": "Requests", "averageValue": 3})
    wait_active(namespace, "True")
    with busy_clients(namespace.url("faq"), 8, MANY_QUESTIONS) as ledger:
        wait_pods(namespace, 3)
    assert ledger.failed == []
    wait_pods(namespace, 1)


def test_an_external_metric_sets_the_number_of_pods(
    namespace: Namespace, metrics: MetricsServer
) -> None:
    metrics.external = 60
    serve(namespace, {"type": "External", "name": EXTERNAL_METRIC, "averageValue": 30})
    wait_pods(namespace, 2)
    metrics.external = 1000
    wait_pods(namespace, 3)  # maxReplicas
    metrics.external = 0
    wait_pods(namespace, 1)


def test_without_an_adapter_the_resource_says_that_scaling_does_not_work(
    namespace: Namespace,
) -> None:
    serve(namespace, {"type": "External", "name": "no_such_metric", "value": 5})
    condition = wait_active(namespace, "False")
    assert "no_such_metric" in condition["message"]
    # It is told, and harms nothing: the pod serves.
    assert namespace.conditions("faq")["Ready"]["status"] == "True"


def test_kubectl_scale_is_refused_while_an_autoscaler_decides(namespace: Namespace) -> None:
    namespace.serve("faq", autoscaling={"maxReplicas": 2})
    with pytest.raises(ClusterError, match="at most one of replicas and autoscaling"):
        namespace.run("scale", "scoringservice", "faq", "--replicas=2")


def test_an_autoscaler_of_ones_own_scales_the_resource_itself(
    namespace: Namespace, metrics: MetricsServer
) -> None:
    """As KEDA does it: through the scale subresource, without spec.autoscaling."""
    namespace.serve("faq", replicas=1, rollout={"drainSeconds": 0})
    metrics.external = 60
    metric = {"name": EXTERNAL_METRIC}
    target = {"type": "AverageValue", "averageValue": "30"}
    reference = {"apiVersion": "scoring.dev/v1alpha1", "kind": "ScoringService", "name": "faq"}
    namespace.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "own"},
            "spec": {
                "scaleTargetRef": reference,
                "maxReplicas": 3,
                "metrics": [{"type": "External", "external": {"metric": metric, "target": target}}],
                "behavior": AT_ONCE,
            },
        }
    )
    wait_pods(namespace, 2)
    assert namespace.get("scoringservice", "faq")["spec"]["replicas"] == 2
    metrics.external = 0
    wait_pods(namespace, 1)
