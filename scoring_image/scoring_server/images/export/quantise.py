"""A float model to int8, calibrated on images; needs NNCF, a dependency of exporting alone."""

from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring_server.images.decode import decode
from scoring_server.images.errors import ImageRefused
from scoring_server.images.evaluate import SUFFIXES
from scoring_server.images.preprocess import Preprocessing

# NNCF's own default: more images change the ranges of the activations no more.
_MOST_IMAGES: Final = 300
FEWEST_IMAGES: Final = 10

Pictures = NDArray[np.uint8]


class QuantisationError(Exception):
    """The model cannot be quantised; the message is for people."""


def read_calibration_images(directory: Path, way: Preprocessing) -> Pictures:
    """Up to 300 images of a folder as the model's input, of shape (N, size, size, 3).

    Files that cannot be decoded are left out. Of more images every n-th is taken, so that none of
    the classes that lie side by side is preferred.

    Raises:
        QuantisationError: fewer than 10 can be decoded.
    """
    paths = [p for p in sorted(directory.rglob("*")) if p.suffix.lower() in SUFFIXES]
    step = max(1, len(paths) // _MOST_IMAGES)
    pictures = []
    for path in paths[::step][:_MOST_IMAGES]:
        try:
            pictures.append(way.apply(decode(path.read_bytes(), draft_side=way.draft_side)))
        except (ImageRefused, OSError):
            continue
    if len(pictures) < FEWEST_IMAGES:
        raise QuantisationError(
            f"{directory} holds {len(pictures)} images that can be decoded; calibrating int8 takes "
            f"{FEWEST_IMAGES} at least, and about {_MOST_IMAGES} of the kind that will be served"
        )
    return np.stack(pictures)


def quantise(graph: Any, pictures: Pictures) -> Any:
    """An OpenVINO model whose convolutions and matrix products are computed in int8.

    Post-training quantisation with the activations' ranges taken from the pictures (NNCF).

    Args:
        graph: takes pictures of shape (N, size, size, 3).
        pictures: what it will be served, about.

    Raises:
        QuantisationError: NNCF is not installed.
    """
    try:
        nncf: Any = import_module("nncf")  # it has no annotations that mypy could read
    except ImportError:
        raise QuantisationError("int8 needs NNCF: pip install 'scoring-server[int8]'") from None
    data = nncf.Dataset(list(pictures), lambda picture: picture[np.newaxis])
    return nncf.quantize(graph, data, subset_size=len(pictures))


def describe(float_logits: NDArray[np.float32], int8_logits: NDArray[np.float32]) -> dict[str, Any]:
    """What the manifest says about a quantised model: how often the best label stayed the same."""
    same = np.argmax(float_logits, axis=1) == np.argmax(int8_logits, axis=1)
    return {
        "nncf": version("nncf"),
        "images": len(same),
        "sameFirst": round(float(same.mean()), 4),
    }
