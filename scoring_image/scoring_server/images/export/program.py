"""Models that bring their own graph: ONNX files and programs of torch.export."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino
import orjson
import torch
from numpy.typing import NDArray

from scoring_server.images.export.convert import Converted, noise, write_graph
from scoring_server.images.export.quantise import Pictures
from scoring_server.images.export.weights import Input

ONNX_SUFFIX: Final = ".onnx"
PROGRAM_SUFFIX: Final = ".pt2"


class ProgramError(Exception):
    """The file cannot be used; the message is for people."""


@dataclass(frozen=True)
class Program:
    """A classifier whose graph came from a file.

    Attributes:
        graph: takes uint8 pictures of shape (N, size, size, 3).
        source: the file's name.
        input: how pictures are to be prepared for it.
    """

    graph: Any
    source: str
    input: Input

    def write(self, model: Path, *, classes: int, calibration: Pictures | None) -> Converted:
        """Write it for OpenVINO; see convert.write_graph.

        Raises:
            ConversionError, QuantisationError: as convert.write_graph.
        """
        size = self.input.size
        pictures = noise(size)
        compiled = openvino.Core().compile_model(
            self.graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        expected: NDArray[np.float32] = compiled([pictures])[0]
        return write_graph(
            self.graph, expected, model, size=size, classes=classes, calibration=calibration
        )


def read_program(
    path: Path,
    *,
    classes: int,
    resize: int | None,
    interpolation: str,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> Program:
    """Read a classifier from an ONNX file or a program of torch.export.

    It takes one batch of normalised RGB pictures in floats, of shape (N, 3, side, side) with any N,
    and gives one tensor of logits of shape (N, classes).

    Args:
        path: ending in .onnx or .pt2.
        classes: how many labels there are.
        resize: what `standard` preprocessing resizes the short side to; None: 8/7 of the input, as
            is usual.
        interpolation: "bilinear" or "bicubic".
        mean, std: per channel of the input scaled to 0…1, red first.

    Raises:
        ProgramError: it cannot be read, or takes or gives something else.
    """
    if path.suffix not in {ONNX_SUFFIX, PROGRAM_SUFFIX}:
        raise ProgramError(f"{path.name} must end in {ONNX_SUFFIX} or {PROGRAM_SUFFIX}")
    if not path.is_file():
        raise ProgramError(f"{path} cannot be read: it is not there, or not a file")
    if not np.isfinite(mean).all() or not np.isfinite(std).all() or min(std) <= 0:
        raise ProgramError("--mean and --std must be numbers, and each --std more than 0")
    try:
        if path.suffix == ONNX_SUFFIX:
            graph = openvino.Core().read_model(path)
        else:
            graph = _read_torch(path)
        size = _check(graph, path, classes)
        graph.reshape(openvino.PartialShape([-1, 3, size, size]))
        graph = _with_input(graph, mean, std)
    except ProgramError:
        raise
    # Readers of foreign files raise anything (RuntimeError, KeyError, AssertionError, …).
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ProgramError(f"{path.name} cannot be read: {reason}") from None
    shape = Input(size, resize or round(size * 8 / 7), interpolation, mean, std)
    return Program(graph, path.name, shape)


def _read_torch(path: Path) -> Any:
    _refuse_pickles(path)
    program = torch.export.load(path)
    graph = openvino.convert_model(program)
    if len(program.graph_signature.user_inputs) == 1:
        # The conversion forgets the shape.
        name = program.graph_signature.user_inputs[0]
        (node,) = (node for node in program.graph.nodes if node.name == name)
        batch, *rest = node.meta["val"].shape
        if isinstance(batch, int):
            raise ProgramError(
                f"{path.name} takes batches of {batch} alone: export it with a dynamic first "
                "dimension (torch.export.Dim)"
            )
        graph.reshape(openvino.PartialShape([-1, *map(int, rest)]))
    return graph


def _refuse_pickles(path: Path) -> None:
    """torch.export.load unpickles whatever a program declares as a pickle, which executes code.

    Usual weights are plain bytes. This is a guard against accidents: reading a program evaluates
    its expressions of shapes too, so it is to come from somebody who is trusted.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            folder = name.split("/", 1)[-1]
            if not folder.startswith(("data/weights/", "data/constants/")):
                continue
            if name.endswith(".pt"):
                raise ProgramError(f"{path.name} holds pickled weights: export it with torch 2.9+")
            if name.endswith("_config.json"):
                for entry in orjson.loads(archive.read(name))["config"].values():
                    plain = str(entry["path_name"]).startswith(("weight_", "tensor_"))
                    if entry["use_pickle"] or not plain:
                        raise ProgramError(f"{path.name} holds pickles, which are not read")


def _check(graph: Any, path: Path, classes: int) -> int:
    """The side of the square input."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ProgramError(f"{path.name} must have one input and one output")
    taken, given = graph.input(0).get_partial_shape(), graph.output(0).get_partial_shape()
    square = (
        taken.rank.is_static
        and len(taken) == 4
        and taken[1] == 3
        and taken[2].is_static
        and taken[2] == taken[3]
    )
    if not square or not graph.input(0).get_element_type().is_real():
        raise ProgramError(
            f"{path.name} takes {taken}: it must take floats of shape (N, 3, side, side)"
        )
    if not given.rank.is_static or len(given) != 2 or given[1] != classes:
        raise ProgramError(
            f"{path.name} gives {given}, but there are {classes} labels: it must give (N, labels)"
        )
    side: int = taken[2].get_length()
    return side


def _with_input(graph: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> Any:
    """The graph on uint8 pictures of shape (N, side, side, 3), which it normalises itself."""
    steps = openvino.preprocess.PrePostProcessor(graph)
    pictures = steps.input()
    pictures.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    pictures.model().set_layout(openvino.Layout("NCHW"))
    pictures.preprocess().convert_element_type(openvino.Type.f32).mean(
        [255 * value for value in mean]
    ).scale([255 * value for value in std])
    return steps.build()
