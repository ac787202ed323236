import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from scoring_server.artefact import Manifest, ModelLoadError, open_artefact
from scoring_server.images.architectures import build
from scoring_server.images.backends import open_backend
from scoring_server.images.backends.openvino import OpenVinoBackend
from scoring_server.images.backends.torch import open_torch
from scoring_server.images.export import weights
from scoring_server.images.export.command import ExportError, run_export
from scoring_server.images.export.convert import ConversionError, to_openvino
from scoring_server.images.export.labels import LabelsError, imagenet_labels, read_labels_file
from scoring_server.images.export.weights import WeightsUnavailable, input_of
from scoring_server.images.spec import KIND, ImageSpec

ARCHITECTURE = "shufflenet_v2_x0_5"
CLASSES = 5

Export = Callable[..., Manifest]


@pytest.fixture(scope="session")
def labels_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    path.write_text("".join(f"label {i}\n" for i in range(CLASSES)))
    return path


@pytest.fixture(scope="session")
def export(labels_file: Path) -> Export:
    """run_export with what most tests want."""

    def run(directory: Path, **options: object) -> Manifest:
        said: list[str] = []
        defaults = {
            "architecture": ARCHITECTURE,
            "weights": "random",
            "sha256": None,
            "seed": 3,
            "fallback": None,
            "labels_file": labels_file,
            "preprocessing": "reference",
            "formats": ["safetensors"],
            "say": said.append,
        }
        return run_export(**{**defaults, **options}, directory=directory)  # type: ignore[arg-type]  # as the tests give them

    return run


@pytest.fixture(scope="session")
def both(export: Export, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with random weights, in both formats."""
    directory = tmp_path_factory.mktemp("export") / "both"
    export(directory, formats=["openvino", "safetensors"])
    return directory


def pictures(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(7).integers(0, 256, (count, 224, 224, 3), np.uint8)


def spec_of(directory: Path) -> ImageSpec:
    return ImageSpec.from_details(open_artefact(directory, KIND).manifest.details)


def test_the_backends_agree_with_torch_and_with_one_another(both: Path) -> None:
    batch = pictures(4)
    artefact = open_artefact(both, KIND)
    torch_backend = open_torch(artefact, spec_of(both), classes=CLASSES, device="cpu")
    openvino_backend = OpenVinoBackend(
        both / "model.xml", size=224, classes=CLASSES, threads=1, precision="f32"
    )
    expected = torch_backend.infer(batch)
    found = openvino_backend.infer(batch)
    assert expected.shape == found.shape == (4, CLASSES)
    assert np.abs(found - expected).max() < 0.02 * np.ptp(expected)
    assert (torch_backend.name, torch_backend.precision, torch_backend.device) == (
        "torch",
        "f32",
        "cpu",
    )
    for backend in (torch_backend, openvino_backend):
        single = np.concatenate([backend.infer(batch[i : i + 1]) for i in range(4)])
        assert np.allclose(backend.infer(batch), single, atol=1e-4 * np.ptp(expected))


def test_random_weights_are_labelled_and_seeded(export: Export, both: Path, tmp_path: Path) -> None:
    manifest = open_artefact(both, KIND).manifest
    assert manifest.weights == "random"
    assert manifest.created_by["source"] == "seed 3"
    same = export(tmp_path / "same").files["model.safetensors"]
    other = export(tmp_path / "other", seed=4).files["model.safetensors"]
    assert same == manifest.files["model.safetensors"]
    assert other != same


def test_a_gpu_that_is_not_there_is_a_load_error(both: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ModelLoadError, match="no GPU is visible to this container"):
        open_torch(open_artefact(both, KIND), spec_of(both), classes=CLASSES, device="cuda")


def test_a_safetensors_file_is_exported_as_it_is(
    export: Export, both: Path, tmp_path: Path
) -> None:
    file = both / "model.safetensors"
    manifest = export(tmp_path / "model", weights=str(file))
    assert manifest.weights == "trained"
    assert manifest.created_by["source"] == "model.safetensors"
    assert manifest.files[file.name] == open_artefact(both, KIND).manifest.files[file.name]


def test_weights_may_come_from_a_url(
    export: Export, both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = both / "model.safetensors"
    sha256 = open_artefact(both, KIND).manifest.files[file.name].sha256

    def download(url: str, path: Path, *, max_bytes: int) -> str:
        assert url == "https://example.com/w.safetensors"
        path.write_bytes(file.read_bytes())
        return sha256

    monkeypatch.setattr(weights, "download", download)
    url = "https://example.com/w.safetensors"
    manifest = export(tmp_path / "model", weights=url, sha256=sha256)
    assert manifest.created_by["source"] == url
    with pytest.raises(ExportError, match=f"has sha256 {sha256}, expected {'0' * 64}"):
        export(tmp_path / "other", weights=url, sha256="0" * 64)
    with pytest.raises(ExportError, match="need --sha256"):
        export(tmp_path / "other", weights=url)


def unavailable(_url: str, _path: Path, _prefix: str) -> None:
    raise WeightsUnavailable("nobody answers")


def test_the_fallback_is_taken_loudly_where_weights_cannot_be_downloaded(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_download", unavailable)
    said: list[str] = []
    manifest = export(
        tmp_path / "model",
        architecture="resnet152",
        weights="DEFAULT",
        fallback="efficientnet-lite0",
        labels_file=None,
        say=said.append,
    )
    assert manifest.name == "efficientnet-lite0 (in place of resnet152)"
    assert manifest.weights == "imagenet1k"
    assert manifest.details["architecture"] == "efficientnet-lite0"
    assert any("NOTE: taking efficientnet-lite0 in place of resnet152" in text for text in said)


def test_without_a_fallback_missing_weights_are_an_error(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_download", unavailable)
    with pytest.raises(ExportError, match=r"nobody answers\. --fallback efficientnet-lite0 takes"):
        export(tmp_path / "model", architecture="resnet152", weights="DEFAULT", labels_file=None)
    assert not (tmp_path / "model").exists()


class Evil:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (_touch, (str(self.path),))


def _touch(path: str) -> None:
    Path(path).touch()


def test_a_pickle_in_disguise_is_refused_and_not_executed(export: Export, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(pickle.dumps(Evil(tmp_path / "executed")))
    with pytest.raises(ExportError, match="no readable safetensors file"):
        export(tmp_path / "model", weights=str(file))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "resnet1"}, "there is no architecture 'resnet1'"),
        ({"weights": "IMAGENET22K"}, "has no weights 'IMAGENET22K': use IMAGENET1K_V1"),
        ({"weights": "weights.pth"}, "has no weights 'weights.pth'"),
        (
            {"architecture": "efficientnet-lite0", "weights": "V9"},
            "efficientnet-lite0 has no weights 'V9'",
        ),
        ({"weights": "/missing.safetensors"}, "cannot be read: No such file"),
        ({"labels_file": Path("/missing.txt")}, "labels cannot be read"),
    ],
)
def test_what_cannot_be_exported_says_why(
    export: Export, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        export(tmp_path / "model", **options)


def test_weights_of_another_network_are_refused(export: Export, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file({"x": torch.zeros(1)}, file)
    missing = r"fit the architecture: \d+ of its \d+ tensors are missing, and 1 are not its own$"
    with pytest.raises(ExportError, match=missing):
        export(tmp_path / "model", weights=str(file))


def test_weights_of_other_labels_are_refused(export: Export, both: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    with pytest.raises(ExportError, match=r"fc.weight is \(5, 1024\), and must be \(2, 1024\)"):
        export(tmp_path / "model", weights=str(both / "model.safetensors"), labels_file=labels)


def test_a_file_with_another_hash_is_refused(export: Export, both: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="expected 0000"):
        export(tmp_path / "model", weights=str(both / "model.safetensors"), sha256="0" * 64)


def test_a_conversion_that_changes_the_answers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(OpenVinoBackend):
        def infer(self, batch: np.ndarray) -> np.ndarray:
            return super().infer(batch) * 1.5

    class Sums(torch.nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return batch.to(torch.float32).mean(dim=(1, 2))

    monkeypatch.setattr("scoring_server.images.export.convert.OpenVinoBackend", Wrong)
    with pytest.raises(ConversionError, match="differs from the network by"):
        to_openvino(Sums(), tmp_path / "model.xml", size=8, classes=3)


def calibration_images(folder: Path, count: int) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(5)
    for number in range(count):
        # Broad patches of colour: noise alone would calibrate for nothing that is ever served.
        patches = generator.integers(0, 256, (6, 8, 3), np.uint8)
        picture = Image.fromarray(patches).resize((240, 180), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.jpg")
    return folder


def test_int8_is_written_by_choice_with_what_it_cost(export: Export, tmp_path: Path) -> None:
    pictures = calibration_images(tmp_path / "pictures", 12)
    said: list[str] = []
    manifest = export(
        tmp_path / "model", formats=["openvino"], calibration=pictures, say=said.append
    )
    assert manifest.details["int8"] is True
    assert manifest.created_by["int8"]["images"] == 12
    assert 0 <= manifest.created_by["int8"]["sameFirst"] <= 1
    assert any("the best label stayed the same for" in text for text in said)
    backend = open_backend(
        open_artefact(tmp_path / "model", KIND),
        spec_of(tmp_path / "model"),
        classes=CLASSES,
        device="cpu",
        threads=1,
    )
    assert backend.precision == "int8"
    assert np.isfinite(backend.infer(np.zeros((2, 224, 224, 3), np.uint8))).all()
    xml = (tmp_path / "model" / "model.xml").read_text()
    assert 'type="FakeQuantize"' in xml


def test_too_few_images_to_calibrate_with_are_refused(export: Export, tmp_path: Path) -> None:
    pictures = calibration_images(tmp_path / "pictures", 9)
    (pictures / "broken.jpg").write_bytes(b"none")
    with pytest.raises(ExportError, match="holds 9 images that can be decoded; calibrating int8"):
        export(tmp_path / "model", formats=["openvino"], calibration=pictures)
    assert not (tmp_path / "model").exists()


def test_int8_for_a_gpu_alone_is_refused(export: Export, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="int8 is for CPUs: it needs --format openvino or both"):
        export(tmp_path / "model", formats=["safetensors"], calibration=tmp_path)


def test_without_nncf_int8_says_what_is_missing(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    pictures = calibration_images(tmp_path / "pictures", 10)
    with pytest.raises(ExportError, match="int8 needs NNCF: pip install 'scoring-server"):
        export(tmp_path / "model", formats=["openvino"], calibration=pictures)


def test_imagenets_labels_begin_with_their_wordnet_id() -> None:
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert labels[287] == "n02127052 lynx, catamount"
    assert labels[0] == "n01440764 tench, Tinca tinca"


def test_labels_come_as_lines_or_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("cat\ndog\n")
    (tmp_path / "a.json").write_text('["cat", "dog"]')
    assert read_labels_file(tmp_path / "a.txt") == ["cat", "dog"]
    assert read_labels_file(tmp_path / "a.json") == ["cat", "dog"]


@pytest.mark.parametrize(
    ("name", "content"), [("a.txt", ""), ("a.txt", "cat\n\ndog"), ("a.json", "{}"), ("a.json", "")]
)
def test_labels_that_are_none_are_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(LabelsError):
        read_labels_file(tmp_path / name)


def test_standard_preprocessing_is_that_of_the_weights() -> None:
    shape = input_of("resnet152")
    assert (shape.size, shape.resize, shape.interpolation) == (224, 232, "bilinear")
    assert shape.mean == (0.485, 0.456, 0.406)
    lite = input_of("efficientnet-lite0")
    assert (lite.size, lite.resize, lite.interpolation) == (224, 256, "bicubic")


def test_random_resnet_152_stays_within_half_precision() -> None:
    torch.manual_seed(0)
    network = build("resnet152", 10)
    largest = 0.0

    def watch(_module: object, _inputs: object, output: torch.Tensor) -> None:
        nonlocal largest
        largest = max(largest, output.abs().max().item())

    for module in network.modules():
        module.register_forward_hook(watch)
    with torch.inference_mode():
        network(torch.rand(1, 3, 64, 64))
    assert largest < torch.finfo(torch.float16).max / 100
