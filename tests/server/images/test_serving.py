import time
from pathlib import Path

import numpy as np
import orjson
import pytest

from scoring_server.artefact import ModelLoadError, open_artefact, write_artefact
from scoring_server.batching import run
from scoring_server.images.backends.openvino import OpenVinoBackend
from scoring_server.images.serving import load
from scoring_server.images.spec import KIND, LABELS_FILE, ImageSpec
from tests.server.colour_model import LABELS, SIZE, SPEC, write_colour_model
from tests.server.pictures import GREEN, plain


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_colour_model(tmp_path / "model")


def test_a_loaded_model_classifies(model: Path) -> None:
    loaded = load(model, device="cpu", threads=1)
    assert loaded.info.name == "mean-colour"
    assert loaded.info.weights == "trained"
    assert loaded.info.source == "made for a test"
    assert loaded.info.digest.startswith("sha256:")
    loaded.classifier.start()
    answer = run(loaded.classifier.classify({"x": plain(GREEN)}, time.monotonic() + 60))["x"]
    assert answer[0].label == "n00000002 green"
    assert answer[0].probability == pytest.approx(1, abs=1e-6)
    loaded.classifier.close(10)


def test_batched_answers_equal_unbatched_ones(model: Path) -> None:
    backend = OpenVinoBackend(model / "model.xml", size=SIZE, classes=3, threads=1, precision="f32")
    batch = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)
    together = backend.infer(batch)
    single = np.concatenate([backend.infer(batch[i : i + 1]) for i in range(4)])
    assert np.allclose(together, single, atol=1e-5)


def test_the_spec_survives_the_manifest(model: Path) -> None:
    manifest = open_artefact(model, KIND).manifest
    assert ImageSpec.from_details(manifest.details) == SPEC


def test_labels_of_another_model_are_refused(tmp_path: Path) -> None:
    model = write_colour_model(tmp_path / "model", labels=("one", "two"))
    with pytest.raises(ModelLoadError, match="there are 2 labels: they belong to another model"):
        load(model, device="cpu", threads=1)


def test_a_gpus_artefact_is_refused_on_a_cpu(tmp_path: Path) -> None:
    write_artefact(
        tmp_path / "model",
        kind=KIND,
        name="x",
        weights="trained",
        created_by={},
        files={"model.safetensors": b"", LABELS_FILE: orjson.dumps(LABELS)},
        details=SPEC.to_details(),
    )
    with pytest.raises(ModelLoadError, match="export it with --format openvino"):
        load(tmp_path / "model", device="cpu", threads=1)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    write_artefact(
        tmp_path / "model",
        kind=KIND,
        name="x",
        weights="trained",
        created_by={},
        files={
            "model.xml": b"<net/>",
            "model.bin": b"",
            LABELS_FILE: orjson.dumps(LABELS),
        },
        details=SPEC.to_details(),
    )
    with pytest.raises(ModelLoadError, match=r"OpenVINO cannot load model\.xml"):
        load(tmp_path / "model", device="cpu", threads=1)


@pytest.mark.parametrize("labels", [b"{", b"{}", b"[]", b"[1]"])
def test_labels_that_are_none_are_refused(model: Path, labels: bytes, tmp_path: Path) -> None:
    files: dict[str, bytes | Path] = {
        "model.xml": model / "model.xml",
        "model.bin": model / "model.bin",
        LABELS_FILE: labels,
    }
    write_artefact(
        tmp_path / "other",
        kind=KIND,
        name="x",
        weights="trained",
        created_by={},
        files=files,
        details=SPEC.to_details(),
    )
    with pytest.raises(ModelLoadError, match=r"labels\.json"):
        load(tmp_path / "other", device="cpu", threads=1)


@pytest.mark.parametrize(
    "details",
    [
        {},
        {**SPEC.to_details(), "preprocessing": {"method": "reference"}},
        {**SPEC.to_details(), "preprocessing": 3},
        {**SPEC.to_details(), "normalisation": {"mean": [1, 2], "std": [1, 1, 1]}},
    ],
)
def test_a_manifest_that_lacks_what_an_image_model_needs_is_refused(
    details: dict[str, object],
) -> None:
    with pytest.raises(ModelLoadError, match=r"model\.json of the image model"):
        ImageSpec.from_details(details)
