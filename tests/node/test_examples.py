"""The examples become Ready on a real node, answer requests, and are told truly."""

import json
from pathlib import Path

import pytest

from tests.datasets import require_data
from tests.deploy import scoring
from tests.node.conftest import Product
from tests.node.namespace import Namespace, poll

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"

pytestmark = pytest.mark.node


def set_suspend(namespace: Namespace, suspend: bool) -> None:
    change = json.dumps({"spec": {"suspend": suspend}})
    namespace.run("patch", "scoringservice", "faq", "--type=merge", "--patch", change)


def apply_example(namespace: Namespace, name: str) -> None:
    namespace.run("apply", "--filename", str(EXAMPLES / f"{name}.yaml"))


@pytest.fixture
def faq(namespace: Namespace) -> Namespace:
    apply_example(namespace, "faq")
    namespace.wait_ready("faq")
    return namespace


@pytest.fixture
def image(namespace: Namespace) -> Namespace:
    apply_example(namespace, "image-cpu")
    namespace.wait_ready("image-cpu", seconds=300)
    return namespace


def test_the_faq_example_answers_questions_and_the_table_tells_its_state(faq: Namespace) -> None:
    header, row = faq.run("get", "scoringservices").splitlines()
    assert header.split() == (
        ["NAME", "MODEL", "HARDWARE", "READY", "REASON", "REPLICAS", "AVAILABLE", "URL", "AGE"]
    )
    assert row.split()[:8] == [
        "faq",
        "faq-matching",
        "cpu",
        "True",
        "AllReplicasReady",
        "2",
        "2",
        f"http://faq.{faq.name}.svc/score",
    ]
    conditions = faq.conditions("faq")
    assert {kind: item["status"] for kind, item in conditions.items()} == {
        "Ready": "True",
        "Available": "True",
        "ModelLoaded": "True",
    }
    body = json.dumps({"input": "how do i copy an object", "top": 3}).encode()
    ranking, took = scoring.post(f"{faq.url('faq')}/score", body)["result"]
    assert len(ranking) == 3
    probabilities = [probability for _, _, probability in ranking]
    assert probabilities == sorted(probabilities, reverse=True)
    assert took.startswith("Computed in ")


def test_the_status_names_the_model_that_the_pods_loaded(faq: Namespace) -> None:
    served = scoring.get(f"{faq.url('faq')}/version")["model"]
    model = poll(lambda: faq.get("scoringservice", "faq")["status"].get("model"), 90)
    assert model == {key: served[key] for key in ("name", "digest", "weights")}
    assert model["weights"] == "trained"


def test_kubectl_scale_and_kubectl_wait_work(faq: Namespace) -> None:
    faq.run("scale", "scoringservice", "faq", "--replicas=3")
    faq.run("wait", "--for=condition=Ready", "scoringservice/faq", "--timeout=300s")
    assert faq.get("scoringservice", "faq")["status"]["readyReplicas"] == 3
    scale = json.loads(
        faq.run(
            "get",
            "--raw",
            f"/apis/scoring.dev/v1alpha1/namespaces/{faq.name}/scoringservices/faq/scale",
        )
    )
    assert scale["spec"]["replicas"] == 3
    assert scale["status"]["selector"] == "scoring.dev/name=faq"


def test_suspending_stops_the_pods_and_resuming_brings_them_back(faq: Namespace) -> None:
    set_suspend(faq, True)
    faq.wait_reason("faq", "Suspended")
    assert faq.conditions("faq")["Available"]["status"] == "False"
    set_suspend(faq, False)
    faq.wait_reason("faq", "AllReplicasReady")
    assert faq.get("scoringservice", "faq")["status"]["readyReplicas"] == 2


def test_a_request_that_is_wrong_gets_a_clear_answer(faq: Namespace) -> None:
    url = f"{faq.url('faq')}/score"
    for body, kind, code in (
        (b"no json", "application/json", 400),
        (b'{"input": 5}', "application/json", 400),
        (b"hello", "text/plain", 415),
    ):
        with pytest.raises(scoring.ScoringError) as raised:
            scoring.post(url, body, kind)
        assert raised.value.code == code
        assert raised.value.body["error"]["message"]


@pytest.mark.data
def test_the_image_example_recognises_the_photographs(image: Namespace) -> None:
    photographs = sorted(require_data("imagenet_samples").glob("*.JPEG"))
    url = image.url("image-cpu")
    version = scoring.get(f"{url}/version")
    assert version["model"]["weights"] != "random", "the answers would mean nothing"
    right = 0
    for photograph in photographs:
        answer = scoring.post(f"{url}/score", photograph.read_bytes(), "image/jpeg")
        (classes,) = answer["result"][0].values()
        assert len(classes) == 3
        right += classes[0][0].split()[0] == photograph.name.split("_")[0]
    assert right / len(photographs) >= 0.80, f"{right} of {len(photographs)} right first"


def test_the_image_example_refuses_what_is_no_image(image: Namespace) -> None:
    with pytest.raises(scoring.ScoringError) as raised:
        scoring.post(f"{image.url('image-cpu')}/score", b"\xff\xd8 no picture", "image/jpeg")
    assert raised.value.code == 422


def test_the_gpu_example_says_that_there_is_no_gpu_in_the_schedulers_words(
    namespace: Namespace, product: Product
) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("the cluster may have GPUs")
    apply_example(namespace, "image-gpu")
    ready = namespace.wait_reason("image-gpu", "InsufficientAccelerators")
    assert "Insufficient nvidia.com/gpu" in ready["message"]


# keys and autoscaling are applied by the commands of the guides, in test_readme.py.
@pytest.mark.parametrize(
    ("example", "name"),
    [
        ("availability", "available"),
        ("load-balancer", "balanced"),
        ("monitoring", "monitored"),
        ("network-policy", "guarded"),
        ("pod-template", "placed"),
        ("tuning", "tuned"),
    ],
)
def test_an_example_that_needs_nothing_else_becomes_ready(
    example: str, name: str, namespace: Namespace
) -> None:
    apply_example(namespace, example)
    namespace.wait_ready(name)


@pytest.mark.parametrize(
    ("example", "name", "reason", "word"),
    [
        # Admission asks for the RuntimeClass before the scheduler looks for a GPU.
        ("gpu-mig", "image-mig", "AdmissionDenied", "nvidia"),
        ("private-registry", "private", "SecretNotFound", "regcred"),
        ("keys", "with-keys", "SecretNotFound", "faq-keys"),
        ("model-from-volume", "from-volume", "Unschedulable", "models"),
    ],
)
def test_an_example_whose_surroundings_are_missing_says_what_it_lacks(
    example: str, name: str, reason: str, word: str, namespace: Namespace, product: Product
) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("the cluster may have what is missing")
    apply_example(namespace, example)
    assert word in namespace.wait_reason(name, reason)["message"]
