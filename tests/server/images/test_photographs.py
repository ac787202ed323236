"""Real photographs through a real network: EfficientNet-Lite0 with its ImageNet weights."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring_server.artefact import open_artefact
from scoring_server.images.backends.openvino import OpenVinoBackend
from scoring_server.images.backends.torch import open_torch
from scoring_server.images.decode import decode
from scoring_server.images.evaluate import find_images, wordnet_id
from scoring_server.images.export.command import run_export
from scoring_server.images.preprocess import METHODS, Preprocessing
from scoring_server.images.spec import KIND, ImageSpec, read_labels
from tests.datasets import require_data
from tests.server.runtime.conftest import image_variables
from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.data

Logits = NDArray[np.float32]


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    return find_images(require_data("imagenet_samples"))


@pytest.fixture(scope="module")
def model(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "efficientnet-lite0"
    _export(directory, formats=["openvino", "safetensors"])
    return directory


def _export(directory: Path, *, formats: list[str], calibration: Path | None = None) -> None:
    run_export(
        architecture="efficientnet-lite0",
        weights="DEFAULT",
        sha256=None,
        seed=0,
        fallback=None,
        labels_file=None,
        preprocessing="reference",
        formats=formats,
        directory=directory,
        say=lambda _text: None,
        calibration=calibration,
    )


@pytest.fixture(scope="module")
def inputs(photographs: list[Path], model: Path) -> dict[str, NDArray[np.uint8]]:
    """All photographs as a batch, by way of preprocessing."""
    shape = ImageSpec.from_details(open_artefact(model, KIND).manifest.details).preprocessing
    decoded = [decode(path.read_bytes()) for path in photographs]
    ways = {
        method: Preprocessing(method, shape.size, shape.resize, shape.interpolation)
        for method in METHODS
    }
    return {
        method: np.stack([way.apply(image) for image in decoded]) for method, way in ways.items()
    }


@pytest.fixture(scope="module")
def torch_logits(model: Path, inputs: dict[str, NDArray[np.uint8]]) -> dict[str, Logits]:
    """What the network says in float32 torch."""
    artefact = open_artefact(model, KIND)
    spec = ImageSpec.from_details(artefact.manifest.details)
    backend = open_torch(artefact, spec, classes=1000, device="cpu")
    return {method: backend.infer(batch) for method, batch in inputs.items()}


def infer(model: Path, precision: str, batch: NDArray[np.uint8]) -> Logits:
    backend = OpenVinoBackend(
        model / "model.xml", size=224, classes=1000, threads=2, precision=precision
    )
    return np.concatenate([backend.infer(batch[i : i + 4]) for i in range(0, len(batch), 4)])


def right(model: Path, photographs: list[Path], logits: Logits) -> tuple[int, int]:
    """How many are right first, and among the first three."""
    labels = read_labels(open_artefact(model, KIND))
    best = np.argsort(-logits, axis=1)[:, :3]
    found = [[labels[i].split(" ")[0] for i in row] for row in best]
    truth = [wordnet_id(path) for path in photographs]
    return (
        sum(row[0] == wanted for row, wanted in zip(found, truth, strict=True)),
        sum(wanted in row for row, wanted in zip(found, truth, strict=True)),
    )


@pytest.mark.parametrize(("method", "top1", "top3"), [("reference", 50, 56), ("standard", 54, 57)])
def test_most_photographs_are_recognised(
    model: Path,
    photographs: list[Path],
    inputs: dict[str, NDArray[np.uint8]],
    method: str,
    top1: int,
    top3: int,
) -> None:
    assert len(photographs) == 60
    first, among_three = right(model, photographs, infer(model, "f32", inputs[method]))
    assert first >= top1
    assert among_three >= top3


@pytest.mark.parametrize(("precision", "agreement"), [("f32", 60), ("bf16", 57)])
def test_the_cpus_answers_are_those_of_torch(
    model: Path,
    inputs: dict[str, NDArray[np.uint8]],
    torch_logits: dict[str, Logits],
    precision: str,
    agreement: int,
) -> None:
    """f32 differs by the weights' f16 on disk alone; bf16 computes in bf16 as well."""
    for method, batch in inputs.items():
        found = infer(model, precision, batch).argmax(axis=1)
        assert (found == torch_logits[method].argmax(axis=1)).sum() >= agreement


def test_int8_changes_few_answers(
    photographs: list[Path],
    inputs: dict[str, NDArray[np.uint8]],
    torch_logits: dict[str, Logits],
    tmp_path: Path,
) -> None:
    """Calibrated with every other photograph, judged on all."""
    calibration = tmp_path / "calibration"
    calibration.mkdir()
    for path in photographs[::2]:
        (calibration / path.name).symlink_to(path)
    model = tmp_path / "int8"
    _export(model, formats=["openvino"], calibration=calibration)
    logits = infer(model, "f32", inputs["reference"])
    assert (logits.argmax(axis=1) == torch_logits["reference"].argmax(axis=1)).sum() >= 55
    assert right(model, photographs, logits)[0] >= 48


def test_answers_over_http_are_those_in_process(
    model: Path,
    photographs: list[Path],
    inputs: dict[str, NDArray[np.uint8]],
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path, **image_variables(model)) as server:
        server.wait_until_ready()
        answers = [server.post(path.read_bytes(), "image/jpeg") for path in photographs]
        precision = json.loads(server.get("/version")[1])["backend"]["precision"]
    assert {status for status, _ in answers} == {200}
    over_http = [answer["result"][0]["image"][0] for _, answer in answers]
    logits = infer(model, precision, inputs["reference"])
    labels = read_labels(open_artefact(model, KIND))
    in_process = [labels[i] for i in logits.argmax(axis=1)]
    assert [label for label, _ in over_http] == in_process
    truth = [wordnet_id(path) for path in photographs]
    correct = sum(
        label.startswith(f"{wanted} ") for (label, _), wanted in zip(over_http, truth, strict=True)
    )
    assert correct >= 48  # top-1 of 0.80
