"""Models that bring their own graph: ONNX files and programs of torch.export."""

import pickle
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from scoring_server.artefact import Manifest, ModelLoadError, open_artefact
from scoring_server.images.backends import open_backend
from scoring_server.images.backends.torch import open_torch
from scoring_server.images.cli import main
from scoring_server.images.export.command import ExportError, run_program_export
from scoring_server.images.spec import KIND, ImageSpec

SIDE = 32
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


class Means(nn.Module):
    """Gives each channel's mean."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(2, 3))


def save_program(
    path: Path, network: nn.Module, shape: Sequence[int] = (2, 3, SIDE, SIDE), *, dynamic: bool
) -> Path:
    sizes = ({0: torch.export.Dim("batch", min=1, max=64)},) if dynamic else None
    example = (torch.zeros(*shape),)
    torch.export.save(torch.export.export(network, example, dynamic_shapes=sizes), path)
    return path


def field(number: int, value: bytes | str | int) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def onnx_value(name: str, *sizes: int | str) -> bytes:
    dimensions = b"".join(
        field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in sizes
    )
    floats = field(1, 1) + field(2, dimensions)
    return field(1, name) + field(2, field(1, floats))


def save_onnx(path: Path) -> Path:
    """The mean of each channel, in ONNX: GlobalAveragePool and Flatten."""
    pool = field(1, "x") + field(2, "pooled") + field(4, "GlobalAveragePool")
    flatten = field(1, "pooled") + field(2, "y") + field(4, "Flatten")
    graph = (
        field(1, pool)
        + field(1, flatten)
        + field(2, "means")
        + field(11, onnx_value("x", "N", 3, SIDE, SIDE))
        + field(12, onnx_value("y", "N", 3))
    )
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 13)))
    return path


Export = Callable[..., Manifest]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    labels = tmp_path / "labels.txt"
    labels.write_text("red\ngreen\nblue\n")

    def run(path: Path, **options: object) -> Manifest:
        defaults: dict[str, object] = {
            "labels_file": labels,
            "preprocessing": "reference",
            "resize": None,
            "interpolation": "bilinear",
            "mean": MEAN,
            "std": STD,
            "directory": tmp_path / "model",
            "say": lambda _text: None,
        }
        return run_program_export(path, **{**defaults, **options})  # type: ignore[arg-type]  # as the tests give them

    return run


def answers(directory: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    artefact = open_artefact(directory, KIND)
    spec = ImageSpec.from_details(artefact.manifest.details)
    backend = open_backend(artefact, spec, classes=3, device="cpu", threads=1)
    picture = np.zeros((3, SIDE, SIDE, 3), np.uint8)
    picture[...] = (255, 128, 0)
    return backend.infer(picture)


def wanted() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    scaled = np.array([255, 128, 0]) / 255
    return np.array([(scaled - MEAN) / STD] * 3)


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_it_is_served_with_its_own_normalisation(kind: str, export: Export, tmp_path: Path) -> None:
    file = tmp_path / f"means.{kind}"
    path = save_onnx(file) if kind == "onnx" else save_program(file, Means(), dynamic=True)
    manifest = export(path)
    assert (manifest.name, manifest.weights) == ("means", "trained")
    assert manifest.created_by["source"] == file.name
    assert manifest.details["preprocessing"]["size"] == SIDE
    assert manifest.details["preprocessing"]["resize"] == 37  # 8/7 of it
    assert answers(tmp_path / "model") == pytest.approx(wanted(), abs=0.02)


def test_on_a_gpu_it_says_what_is_missing(export: Export, tmp_path: Path) -> None:
    export(save_onnx(tmp_path / "means.onnx"))
    artefact = open_artefact(tmp_path / "model", KIND)
    spec = ImageSpec.from_details(artefact.manifest.details)
    with pytest.raises(ModelLoadError, match=r"has no model\.safetensors"):
        open_torch(artefact, spec, classes=3, device="cpu")


def test_the_command_exports_programs(
    export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save_onnx(tmp_path / "means.onnx")
    labels = tmp_path / "labels.txt"
    main(["export", "--program", str(path), "--labels", str(labels), "--to", str(tmp_path / "out")])
    assert "means, weights: trained" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mean", "std"), [(MEAN, (0.0, 1.0, 1.0)), (MEAN, (1.0, -1.0, 1.0)), ((float("nan"),) * 3, STD)]
)
def test_a_normalisation_that_is_none_is_refused(
    export: Export, tmp_path: Path, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    with pytest.raises(ExportError, match="--mean and --std must be numbers"):
        export(save_onnx(tmp_path / "means.onnx"), mean=mean, std=std)


def test_what_is_only_for_programs_is_not_ignored_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    normalisation = ["--mean", "0.5", "0.5", "0.5", "--std", "1", "1", "1"]
    with pytest.raises(SystemExit) as ended:
        main(["export", "--weights", "random", *normalisation, "--to", str(tmp_path / "model")])
    assert ended.value.code == 78
    assert "--mean and --std: only for --program" in capsys.readouterr().err


class Fixed(nn.Module):
    """Works for a batch of two alone."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(2, 3)).reshape(2, 3) + torch.ones(2, 3)


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (_raise, ("executed",))


def _raise(text: str) -> None:
    raise AssertionError(text)


def test_a_program_with_pickled_weights_is_refused_and_not_executed(
    export: Export, tmp_path: Path
) -> None:
    good = save_program(tmp_path / "good.pt2", Means(), dynamic=True)
    evil = tmp_path / "evil.pt2"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("model_constants_config.json"):
                data = b'{"config": {"x": {"path_name": "opaque_obj_0", "use_pickle": true}}}'
                target.writestr(
                    name.replace("model_constants_config.json", "opaque_obj_0"),
                    pickle.dumps(Evil()),
                )
            target.writestr(name, data)
    with pytest.raises(ExportError, match=r"evil\.pt2 holds pickles, which are not read"):
        export(evil)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.onnx", b"none", r"x\.onnx cannot be read"),
        ("x.pt2", b"none", r"x\.pt2 cannot be read: File is not a zip file"),
        ("x.pth", b"none", r"x\.pth must end in \.onnx or \.pt2"),
    ],
)
def test_other_files_are_refused(
    export: Export, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportError, match=message):
        export(tmp_path / name)


@pytest.mark.parametrize("name", ["missing.pt2", "missing.onnx"])
def test_a_missing_file_is_named(export: Export, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match=rf"{name} cannot be read: it is not there"):
        export(tmp_path / name)


def test_models_that_take_or_give_something_else_are_refused(
    export: Export, tmp_path: Path
) -> None:
    grey = save_program(tmp_path / "grey.pt2", Means(), (2, 1, SIDE, SIDE), dynamic=True)
    with pytest.raises(ExportError, match=r"must take floats of shape \(N, 3, side, side\)"):
        export(grey)
    five = tmp_path / "five.txt"
    five.write_text("1\n2\n3\n4\n5\n")
    means = save_onnx(tmp_path / "means.onnx")
    with pytest.raises(ExportError, match="but there are 5 labels"):
        export(means, labels_file=five)


def test_a_model_for_one_batch_size_alone_is_refused(export: Export, tmp_path: Path) -> None:
    fixed = save_program(tmp_path / "fixed.pt2", Fixed(), dynamic=False)
    with pytest.raises(ExportError, match=r"takes batches of 2 alone"):
        export(fixed)
