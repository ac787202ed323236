"""A torch network to an OpenVINO model on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from torch import nn

from scoring_server.images.backends.openvino import OpenVinoBackend
from scoring_server.images.export.quantise import Pictures, describe, quantise

# The largest difference that f16 weights may make to a score, as a share of the spread of the
# scores. ResNet-152 and EfficientNet-Lite0 stay below 0.01.
_TOLERANCE: Final = 0.05


class ConversionError(Exception):
    """The converted model does not compute what the network computes."""


@dataclass(frozen=True)
class Converted:
    """What a conversion changed.

    Attributes:
        difference: the largest that f16 weights make to a logit on pictures of noise, as a share of
            the logits' spread.
        int8: about the quantised model; see quantise.describe. None: it is not quantised.
    """

    difference: float
    int8: dict[str, Any] | None = None


def to_openvino(
    network: nn.Module,
    model: Path,
    *,
    size: int,
    classes: int,
    calibration: Pictures | None = None,
) -> Converted:
    """Convert a network, with its weights in f16 or int8, and compare it with the original.

    Args:
        network: takes uint8 pictures of shape (N, size, size, 3).
        model: where model.xml goes; the weights go beside it as .bin.
        size: side of the square input, pixels.
        classes: how many logits it gives.
        calibration: pictures to quantise it with; None: it stays in floating point.

    Raises:
        ConversionError: f16 weights alone change a logit by more than 5 % of their spread.
        QuantisationError: NNCF is not installed.
    """
    example = torch.from_numpy(noise(size))
    batch = torch.export.Dim("batch", min=1, max=1024)
    exported = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    graph = openvino.convert_model(exported)
    graph.reshape(openvino.PartialShape([-1, size, size, 3]))
    with torch.inference_mode():
        expected = network(example).numpy()
    return write_graph(graph, expected, model, size=size, classes=classes, calibration=calibration)


def noise(size: int) -> Pictures:
    """Two pictures to compare models on, of shape (2, size, size, 3)."""
    return np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)


def write_graph(
    graph: Any,
    expected: NDArray[np.float32],
    model: Path,
    *,
    size: int,
    classes: int,
    calibration: Pictures | None,
) -> Converted:
    """Write an OpenVINO model and compare what was written with what it came from.

    Args:
        graph: takes uint8 pictures of shape (N, size, size, 3).
        expected: the original's logits of noise(size).

    Raises:
        ConversionError, QuantisationError: as to_openvino.
    """
    openvino.save_model(graph, model, compress_to_fp16=True)
    backend = OpenVinoBackend(model, size=size, classes=classes, threads=1, precision="f32")
    difference = float(np.abs(backend.infer(noise(size)) - expected).max() / np.ptp(expected))
    if not difference <= _TOLERANCE:
        raise ConversionError(
            f"the OpenVINO model differs from the network by {difference:.1%} of its scores' spread"
        )
    if calibration is None:
        return Converted(difference)
    before = _infer(backend, calibration)
    openvino.save_model(quantise(graph, calibration), model, compress_to_fp16=True)
    quantised = OpenVinoBackend(model, size=size, classes=classes, threads=1, precision="f32")
    return Converted(difference, describe(before, _infer(quantised, calibration)))


def _infer(backend: OpenVinoBackend, pictures: Pictures) -> NDArray[np.float32]:
    return np.concatenate([backend.infer(pictures[i : i + 1]) for i in range(len(pictures))])
