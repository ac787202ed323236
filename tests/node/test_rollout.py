"""Changes reach the pods without a lost request; a bad change leaves what runs alone."""

import json
import time

import pytest

from tests.deploy import scoring
from tests.deploy.images import load, scoring_archive
from tests.node.conftest import Product
from tests.node.load import QUESTION, light_load
from tests.node.namespace import Namespace, poll

pytestmark = pytest.mark.node


@pytest.fixture
def faq(namespace: Namespace) -> Namespace:
    namespace.serve("faq", replicas=2, rollout={"drainSeconds": 5})
    namespace.wait_ready("faq")
    return namespace


def patch(namespace: Namespace, spec: dict[str, object]) -> None:
    text = json.dumps({"spec": spec})
    namespace.run("patch", "scoringservice", "faq", "--type=merge", "--patch", text)


def test_a_rollout_to_a_new_image_loses_no_request(faq: Namespace, product: Product) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs to load an image onto the node, and to reach cluster addresses")
    new = f"localhost/scoring-image:new-{faq.name}"
    load(product.cluster.name, scoring_archive(), new)
    before = {pod["metadata"]["uid"] for pod in faq.pods("faq")}
    with light_load(faq.url("faq")) as ledger:
        patch(faq, {"image": new})
        faq.wait_ready("faq")
        time.sleep(2)  # the last old pod drains under load, too
        # On a busy machine each request takes longer.
        assert poll(lambda: ledger.answered >= 50 or None, 120), ledger
    staying = [pod["metadata"] for pod in faq.pods("faq")]
    assert not before & {pod["uid"] for pod in staying if "deletionTimestamp" not in pod}
    assert faq.get("scoringservice", "faq")["status"]["image"] == new
    assert ledger.failed == []


def test_an_image_that_does_not_exist_is_told_and_the_old_pods_go_on(faq: Namespace) -> None:
    url = faq.url("faq")
    patch(faq, {"image": "localhost/no-such-image:1"})
    ready = faq.wait_reason("faq", "ImagePullFailed")
    assert "no-such-image" in ready["message"]
    assert faq.conditions("faq")["Available"]["status"] == "True"
    assert scoring.post(f"{url}/score", QUESTION)["result"]
    patch(faq, {"image": None})
    faq.wait_reason("faq", "AllReplicasReady")


def test_a_missing_pull_secret_is_named(faq: Namespace) -> None:
    patch(faq, {"image": "localhost/private:1", "imagePullSecrets": [{"name": "regcred"}]})
    ready = faq.wait_reason("faq", "SecretNotFound")
    assert "regcred" in ready["message"]
    assert faq.conditions("faq")["Available"]["status"] == "True"


def test_past_its_deadline_a_rollout_is_stalled_and_recovers(faq: Namespace) -> None:
    slow = {"rollout": {"drainSeconds": 0, "progressDeadlineSeconds": 30}}
    patch(faq, {"image": "localhost/no-such-image:1", "startup": {"timeoutSeconds": 20}, **slow})
    stalled = faq.wait_for("faq", lambda _: "Stalled" in faq.conditions("faq"), 180)
    assert stalled["reason"] == "ImagePullFailed"
    assert "Reconciling" not in faq.conditions("faq")
    patch(faq, {"image": None})
    faq.wait_ready("faq")
    assert "Stalled" not in faq.conditions("faq")


def test_too_little_memory_is_told(namespace: Namespace) -> None:
    tiny = {"requests": {"cpu": "100m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}}
    namespace.serve("faq", resources=tiny)
    namespace.wait_reason("faq", "OutOfMemory")
