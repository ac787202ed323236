"""Hostile model files, with the right hash in the manifest: refused, and nothing is executed."""

import hashlib
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from scoring_server.artefact import MANIFEST_NAME, ModelLoadError
from scoring_server.faq import serving as faq_serving
from scoring_server.images import serving as image_serving
from tests.reliability.figures import record
from tests.server.attacks.model_files import hostile

SUFFIXES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".dill", ".mar", ".sav", ".PT")
# A refusal takes less than a second; the machine may be busy with other tests.
PATIENCE_SECONDS = 60.0


def load_faq(directory: Path) -> object:
    return faq_serving.load(directory)


def load_images(directory: Path) -> object:
    return image_serving.load(directory, device="cpu", threads=1, max_batch=1)


def replace(directory: Path, name: str, content: bytes) -> None:
    """Put content into a file of an artefact, as its author could: the manifest agrees."""
    (directory / name).write_bytes(content)
    path = directory / MANIFEST_NAME
    document = orjson.loads(path.read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    document["files"][name] = {"sha256": digest, "size": len(content)}
    path.write_bytes(orjson.dumps(document))


@pytest.mark.parametrize(
    ("model", "load"), [("faq_model", load_faq), ("colour_model", load_images)]
)
def test_hostile_files_are_refused_and_nothing_is_executed(
    model: str, load: Callable[[Path], object], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    good: Path = request.getfixturevalue(model)
    marker = tmp_path / "executed"
    contents = hostile(marker)
    pickle.loads(contents["a pickle"])  # noqa: S301 - it shows that the pickles bite
    assert marker.exists()
    marker.unlink()
    tried = 0
    for name in sorted(path.name for path in good.iterdir() if path.name != MANIFEST_NAME):
        for what, content in contents.items():
            directory = tmp_path / f"{name} {what}"
            shutil.copytree(good, directory)
            replace(directory, name, content)
            started = time.monotonic()
            with pytest.raises(ModelLoadError):
                load(directory)
            assert time.monotonic() - started < PATIENCE_SECONDS, (name, what)
            assert not marker.exists(), (name, what)
            tried += 1
    record("X6", f"files of {model.replace('_', ' ')}s", f"{tried} of {tried} refused, none run")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pickles_are_refused_by_name_too(faq_model: Path, tmp_path: Path, suffix: str) -> None:
    directory = tmp_path / "model"
    shutil.copytree(faq_model, directory)
    replace(directory, f"extra{suffix}", b"x")
    with pytest.raises(ModelLoadError):
        load_faq(directory)


def test_a_wrong_hash_is_refused(faq_model: Path, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    shutil.copytree(faq_model, directory)
    content: Any = bytearray((directory / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (directory / "weights.npz").write_bytes(content)
    with pytest.raises(ModelLoadError, match="sha256"):
        load_faq(directory)


def test_an_openvino_model_is_read_as_nothing_else(
    colour_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO looks at a file's content, and reads models of TensorFlow, ONNX and others too."""
    directory = tmp_path / "model"
    shutil.copytree(colour_model, directory)
    replace(directory, "model.xml", b'node { name: "x" op: "Placeholder" }')
    monkeypatch.setattr("openvino.Core.read_model", None)  # nobody may come so far
    with pytest.raises(ModelLoadError, match=r"model.xml: it is no XML"):
        load_images(directory)
