"""Draining a node, as the eviction API does it: pods go one at a time, and no request is lost.

The real node stays schedulable, so that evicted pods come back on it; what a drain asks of the
pods and their budget is the same.
"""

import json
import time

import pytest

from tests.cluster.errors import ClusterError
from tests.node.conftest import Product
from tests.node.load import light_load
from tests.node.namespace import Namespace, poll

pytestmark = pytest.mark.node


def serve(namespace: Namespace, replicas: int) -> None:
    namespace.serve("faq", replicas=replicas, rollout={"drainSeconds": 5})
    namespace.wait_ready("faq")


def live_pods(namespace: Namespace) -> list[str]:
    """Names of the pods that are not on their way out."""
    pods = [pod["metadata"] for pod in namespace.pods("faq")]
    return [pod["name"] for pod in pods if "deletionTimestamp" not in pod]


def evict(namespace: Namespace, pod: str) -> None:
    """Ask for the eviction of a pod, as `kubectl drain` does; ClusterError where it is refused."""
    metadata = {"name": pod, "namespace": namespace.name}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod}/eviction"
    namespace.run("create", "--raw", path, "--filename", "-", stdin=json.dumps(eviction))


def evict_when_allowed(namespace: Namespace, pod: str, seconds: float = 180) -> None:
    """Try again while the budget forbids it, as `kubectl drain` does."""

    def attempt() -> bool:
        evict(namespace, pod)  # a refusal counts as "not yet"
        return True

    assert poll(attempt, seconds, pause=1), f"{pod} could not be evicted in {seconds} s"


def exists(namespace: Namespace, kind: str) -> bool:
    return bool(namespace.run("get", kind, "faq", "--ignore-not-found"))


def test_a_drain_at_two_replicas_loses_no_request(namespace: Namespace, product: Product) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs to reach cluster addresses")
    serve(namespace, 2)
    before = live_pods(namespace)
    assert len(before) == 2
    # Every request is sent once, on a connection of its own, and must be answered with 200.
    with light_load(namespace.url("faq")) as ledger:
        for pod in before:
            evict_when_allowed(namespace, pod)
        namespace.wait_ready("faq")
        time.sleep(7)  # the last pod drains under load, too
        # On a busy machine each request takes longer.
        assert poll(lambda: ledger.answered >= 100 or None, 120), ledger
    assert not set(before) & set(live_pods(namespace))
    assert ledger.failed == []


def test_a_second_pod_is_not_evicted_while_the_first_is_away(namespace: Namespace) -> None:
    serve(namespace, 2)
    first, second = live_pods(namespace)
    evict_when_allowed(namespace, first)  # the budget learns of ready pods a moment later
    with pytest.raises(ClusterError, match="disruption budget"):
        evict(namespace, second)
    namespace.wait_ready("faq")


def test_at_one_replica_an_eviction_is_not_blocked(namespace: Namespace) -> None:
    serve(namespace, 1)
    (pod,) = live_pods(namespace)
    evict(namespace, pod)
    assert poll(lambda: pod not in live_pods(namespace) or None, 90)
    namespace.wait_ready("faq")


def test_the_budget_comes_with_the_second_pod_and_goes_with_it(namespace: Namespace) -> None:
    serve(namespace, 1)
    (first,) = live_pods(namespace)
    assert not exists(namespace, "poddisruptionbudget")
    namespace.run("scale", "scoringservice", "faq", "--replicas=2")
    assert poll(lambda: exists(namespace, "poddisruptionbudget") or None, 90)
    namespace.wait_ready("faq")
    assert first in live_pods(namespace), "scaling replaces no pod"
    assert namespace.get("poddisruptionbudget", "faq")["spec"]["maxUnavailable"] == 1
    namespace.run("scale", "scoringservice", "faq", "--replicas=1")
    assert poll(lambda: not exists(namespace, "poddisruptionbudget") or None, 90)
    namespace.wait_ready("faq")
