"""Models by URL, on a volume, in an OCI image; and what is told of bad ones."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.datasets import write_banking77
from tests.deploy import scoring
from tests.node import models
from tests.node.conftest import Product
from tests.node.file_server import FileServer
from tests.node.namespace import Namespace, poll

pytestmark = pytest.mark.node

FAST = {"rollout": {"drainSeconds": 0}}


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small FAQ model."""
    return models.small_artefact(tmp_path_factory.mktemp("model") / "faq")


def source(value: dict[str, Any]) -> dict[str, Any]:
    return {"model": {"type": "faq-matching", "source": value}, **FAST}


def served_model(namespace: Namespace, name: str) -> str:
    return str(scoring.get(f"{namespace.url(name)}/version")["model"]["name"])


@pytest.mark.data
def test_a_model_of_ones_own_data_is_served_by_url(
    namespace: Namespace, file_server: FileServer, tmp_path: Path
) -> None:
    files = write_banking77(tmp_path / "data", duplicates_per_original=None, seed=0)
    trained = models.train(files.originals, files.duplicates, tmp_path / "model", "banking77")
    namespace.serve("bank", **source(file_server.put("bank.tar.gz", models.archive(trained))))
    namespace.wait_ready("bank")
    assert served_model(namespace, "bank") == "banking77"
    with files.test.open(encoding="utf-8", newline="") as stream:
        questions = list(csv.DictReader(stream))[::13]
    body = json.dumps({"input": [row["Text"] for row in questions], "top": 1}).encode()
    rankings, _ = scoring.post(f"{namespace.url('bank')}/score", body)["result"]
    pairs = zip(rankings, questions, strict=True)
    right = sum(str(ranking[0][0]) == row["OriginalId"] for ranking, row in pairs)
    # 0.912 of all 3,080 test questions were right in-process; the floor leaves room for the sample.
    assert right / len(questions) >= 0.88


def test_a_model_on_a_volume_is_served(
    namespace: Namespace, product: Product, artefact: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs a folder of this machine on the node")
    folder = tmp_path_factory.mktemp("volume")
    shutil.copytree(artefact, folder / "faq" / "v1")
    for part in (folder.parent, folder, folder / "faq", folder / "faq" / "v1"):
        part.chmod(0o755)
    claim = {"accessModes": ["ReadOnlyMany"], "storageClassName": "", "volumeName": namespace.name}
    size = {"storage": "1Gi"}
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": namespace.name},
            "spec": {
                "accessModes": ["ReadOnlyMany"],
                "capacity": size,
                "hostPath": {"path": str(folder)},
            },
        }
    )
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "models"},
            "spec": {**claim, "resources": {"requests": size}},
        }
    )
    path = {"claimName": "models", "path": "faq/v1"}
    namespace.serve("volume", **source({"persistentVolumeClaim": path}))
    namespace.wait_ready("volume")
    assert served_model(namespace, "volume") == "small"
    product.target.run("kubectl", "delete", "persistentvolume", namespace.name, "--wait=false")


def test_a_model_in_an_oci_image_is_served(
    namespace: Namespace, product: Product, artefact: Path, tmp_path: Path
) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs to load an image onto the node")
    reference = models.load_as_image(product.cluster.name, artefact, tmp_path)
    image = {"reference": reference, "pullPolicy": "Never"}
    namespace.serve("volume", **source({"image": image}))
    namespace.wait_ready("volume")
    assert served_model(namespace, "volume") == "small"


def test_random_weights_are_called_random_wherever_one_looks(
    namespace: Namespace, file_server: FileServer, tmp_path: Path
) -> None:
    made = models.random_classifier(tmp_path / "model")
    served = file_server.put("random.tar", models.archive(made))
    namespace.serve("image", model={"type": "image-classification", "source": served}, **FAST)
    namespace.wait_ready("image")
    url = namespace.url("image")
    assert scoring.get(f"{url}/version")["model"]["weights"] == "random"
    loaded = poll(lambda: told_random(namespace), 90)
    assert loaded == "RandomWeights"
    ready = namespace.conditions("image")["Ready"]
    assert "random weights" in ready["message"]
    assert "weights are random" in namespace.run("logs", "deployment/image")


def told_random(namespace: Namespace) -> str | None:
    reason = namespace.conditions("image").get("ModelLoaded", {}).get("reason")
    return reason if reason == "RandomWeights" else None


Spoil = Callable[[Path, FileServer], dict[str, Any]]


def absent(artefact: Path, server: FileServer) -> dict[str, Any]:
    return {"url": server.url("absent.tar"), "sha256": "0" * 64}


def wrong_checksum(artefact: Path, server: FileServer) -> dict[str, Any]:
    return {**server.put("good.tar", models.archive(artefact)), "sha256": "0" * 64}


def no_archive(artefact: Path, server: FileServer) -> dict[str, Any]:
    return server.put("page.html", b"<html>not found</html>")


def damaged_payload(artefact: Path, server: FileServer) -> dict[str, Any]:
    return server.put("damaged.tar", models.archive(models.damaged(artefact)))


def pickle_beside(artefact: Path, server: FileServer) -> dict[str, Any]:
    return server.put("pickle.tar", models.archive(models.with_pickle(artefact)))


def missing_payload(artefact: Path, server: FileServer) -> dict[str, Any]:
    models.payload(artefact).unlink()
    return server.put("partial.tar", models.archive(artefact))


BAD: list[tuple[Spoil, str]] = [
    (absent, "404"),
    (wrong_checksum, "sha256"),
    (no_archive, "archive"),
    (damaged_payload, "sha256"),
    (pickle_beside, "model.pkl"),
    (missing_payload, "missing"),
]


@pytest.mark.parametrize(("spoil", "word"), BAD, ids=[spoil.__name__ for spoil, _ in BAD])
def test_a_bad_model_is_told_in_the_condition(
    spoil: Spoil,
    word: str,
    namespace: Namespace,
    file_server: FileServer,
    artefact: Path,
    tmp_path: Path,
) -> None:
    copy = Path(shutil.copytree(artefact, tmp_path / "model"))
    namespace.serve("bad", **source(spoil(copy, file_server)))
    ready = namespace.wait_reason("bad", "ModelLoadFailed")
    assert word in ready["message"].lower(), ready["message"]
    assert namespace.get("scoringservice", "bad")["status"]["lastFailure"]["reason"] == (
        "ModelLoadFailed"
    )


def test_a_model_of_the_other_kind_is_told_in_the_condition(
    namespace: Namespace, file_server: FileServer, artefact: Path
) -> None:
    served = file_server.put("faq.tar", models.archive(artefact))
    namespace.serve("bad", model={"type": "image-classification", "source": served}, **FAST)
    assert "faq-matching" in namespace.wait_reason("bad", "ModelLoadFailed")["message"]


def test_a_claim_that_does_not_exist_is_told_in_the_schedulers_words(namespace: Namespace) -> None:
    namespace.serve("bad", **source({"persistentVolumeClaim": {"claimName": "absent"}}))
    ready = namespace.wait_reason("bad", "Unschedulable")
    assert 'persistentvolumeclaim "absent" not found' in ready["message"]


def test_a_model_image_that_does_not_exist_is_told(namespace: Namespace) -> None:
    image = {"reference": "localhost/no-such-model:1", "pullPolicy": "Never"}
    namespace.serve("bad", **source({"image": image}))
    ready = namespace.wait_reason("bad", "ImagePullFailed")
    assert "no-such-model" in ready["message"]
