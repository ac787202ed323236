"""The models and the photograph of `benchmarks.images`; exported once, then kept in the cache."""

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

import scoring_server.images
from scoring_server.images.export.command import run_export
from tests.cluster.paths import cache_root
from tests.server.colour_model import write_colour_model

NETWORK: Final = "resnet152"
TINY: Final = "tiny"
# Beside the folder of a model, the same one quantised.
INT8_SUFFIX: Final = "-int8"

# What calibrates the quantised network. Its weights are random: only its speed means anything.
_CALIBRATION_IMAGES: Final = 20
_WIDTHS: Final = {NETWORK: 500, TINY: 64}


def make_model(name: str, folder: Path, say: Callable[[str], None]) -> Path:
    """The directory of a model; of the network there is a quantised one beside it.

    Args:
        folder: for models that take no time to make.
    """
    if name == TINY:
        return write_colour_model(folder / TINY)
    model = _cache() / name
    for directory, photographs in ((model, None), (int8_of(model), folder / "calibration")):
        made = directory.with_name(f"{directory.name}.made")
        if made.exists():
            continue
        say(f"{directory.name}: exporting the model")
        shutil.rmtree(directory, ignore_errors=True)
        if photographs is not None:
            _write_photographs(photographs)
        run_export(
            architecture=name,
            weights="random",
            sha256=None,
            seed=0,
            fallback=None,
            labels_file=None,
            preprocessing="reference",
            formats=["openvino"] if photographs else ["openvino", "safetensors"],
            directory=directory,
            calibration=photographs,
            say=lambda _text: None,
        )
        made.touch()
    return model


def int8_of(model: Path) -> Path:
    """Where the quantised form of a model lies."""
    return model.with_name(model.name + INT8_SUFFIX)


def photograph_for(name: str) -> bytes:
    """What a model is asked about."""
    return photograph(_WIDTHS[name])


def photograph(width: int, seed: int = 0) -> bytes:
    """A JPEG with about as many bytes as a photograph of this size has."""
    height = width * 3 // 4
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / width * k + y / height * (17 - k)) for k in (5, 9, 13)]
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    picture = Image.fromarray((np.stack(waves, axis=2) + noise).clip(0, 255).astype(np.uint8))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _write_photographs(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(_CALIBRATION_IMAGES):
        (folder / f"{number}.jpg").write_bytes(photograph(_WIDTHS[NETWORK], number))


def _cache() -> Path:
    """Named after the code that makes models."""
    code = sorted(Path(scoring_server.images.__file__).parent.glob("export/*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()[:12]
    return cache_root() / "benchmarks" / f"models-{digest}"
