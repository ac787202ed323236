"""Row S1: under steady load, nothing that happens to the pods in good order costs a request.

Each request has a connection of its own and is sent once. What gets no answer is lost; so is what
gets another than 200, or 503 with Retry-After, which pods give that get too little CPU of a machine
with other work to do.
"""

import json
import time
from urllib.parse import urlsplit

import pytest

from tests.deploy import chart
from tests.node.conftest import Product
from tests.node.load import QUESTION
from tests.node.namespace import Namespace, poll
from tests.node.test_availability import evict_when_allowed, live_pods
from tests.reliability.figures import record
from tests.server.load.generator import Plan, running
from tests.server.load.ledger import UNSENT

pytestmark = pytest.mark.node

RATE = 100.0
LONG_REQUESTS = 20_000
DRAIN_SECONDS = 5
AT_ONCE = {
    "scaleUp": {"stabilizationWindowSeconds": 0},
    "scaleDown": {"stabilizationWindowSeconds": 0},
}


def patch(namespace: Namespace, spec: dict[str, object]) -> None:
    text = json.dumps({"spec": spec})
    namespace.run("patch", "scoringservice", "faq", "--type=merge", "--patch", text)


def roll_out(namespace: Namespace, number: int) -> None:
    """Change the pods' template, and wait until the last old pod is gone."""
    before = {pod["metadata"]["uid"] for pod in namespace.pods("faq")}
    patch(namespace, {"monitoring": {"logLevel": "warning" if number % 2 else "error"}})
    namespace.wait_ready("faq")

    def all_gone() -> bool | None:
        return not before & {pod["metadata"]["uid"] for pod in namespace.pods("faq")} or None

    assert poll(all_gone, 240)


def drain(namespace: Namespace) -> None:
    """Evict each pod, as `kubectl drain` does."""
    for pod in live_pods(namespace):
        evict_when_allowed(namespace, pod)
    namespace.wait_ready("faq")


def restart_operator(product: Product) -> None:
    target = ("--namespace", chart.NAMESPACE, "rollout")
    deployment = f"deployment/{chart.RELEASE}"
    product.target.run("kubectl", *target, "restart", deployment)
    product.target.run("kubectl", *target, "status", deployment, "--timeout=180s")


def scale_in(namespace: Namespace) -> None:
    """To an autoscaler with at least four pods, then with at least two: it takes two away."""
    metric = {"type": "CPU", "averageUtilization": 500}
    scaling = {"minReplicas": 4, "maxReplicas": 4, "metrics": [metric], "behavior": AT_ONCE}
    patch(namespace, {"replicas": None, "autoscaling": scaling})
    wait_pods(namespace, 4)
    patch(namespace, {"autoscaling": {"minReplicas": 2}})
    wait_pods(namespace, 2)


def wait_pods(namespace: Namespace, count: int) -> None:
    def look() -> bool | None:
        status = namespace.get("scoringservice", "faq").get("status", {})
        return (status.get("replicas"), status.get("readyReplicas")) == (count, count) or None

    assert poll(look, 180), f"not {count} pods"


def test_nothing_is_lost(namespace: Namespace, product: Product, long: bool) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs to reach cluster addresses")
    namespace.serve(
        "faq",
        replicas=2,
        rollout={"drainSeconds": DRAIN_SECONDS},
        resources={"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    )
    namespace.wait_ready("faq")
    address = urlsplit(namespace.url("faq"))
    assert address.hostname is not None
    plan = Plan(
        address.port or 80, RATE, 900, (QUESTION.decode(),), host=address.hostname, fresh=True
    )
    done = []
    begin = time.monotonic()
    with running(plan) as load:
        for number in range(3 if long else 1):
            roll_out(namespace, number)
        done.append("3 roll-outs" if long else "a roll-out")
        restart_operator(product)
        done.append("an operator's restart")
        if long:
            drain(namespace)
            done.append("a drain")
            scale_in(namespace)
            done.append("an autoscaler's scale-in")
            time.sleep(max(0.0, LONG_REQUESTS / RATE + 5 - (time.monotonic() - begin)))
        time.sleep(DRAIN_SECONDS + 2)  # the last pod drains under load, too
        ledger = load.stop()
    statuses = ledger.statuses
    # What the generator had no connection left for never set out.
    sent = len(ledger) - statuses[UNSENT]
    assert set(statuses) <= {200, 503, UNSENT}, statuses
    assert all(entry.retry_after for entry in ledger.entries if entry.status == 503)
    assert sent >= (LONG_REQUESTS if long else 500)
    assert statuses[200] > sent / 3
    record(
        "S1",
        ", ".join(done),
        f"0 lost of {sent} at {RATE:.0f}/s, p99 {ledger.quantile(0.99) * 1000:.0f} ms; "
        f"{statuses[503]} of them refused for want of CPU",
    )
