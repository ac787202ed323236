"""From a network and its labels to an artefact."""

import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson
import torch
from safetensors.torch import save_file

from scoring_server.artefact import Manifest, write_artefact
from scoring_server.images.architectures import with_input
from scoring_server.images.export.convert import Converted, to_openvino
from scoring_server.images.export.program import Program
from scoring_server.images.export.quantise import Pictures, read_calibration_images
from scoring_server.images.export.weights import TRAINED, Input, TrainedNetwork
from scoring_server.images.preprocess import Preprocessing
from scoring_server.images.spec import (
    KIND,
    LABELS_FILE,
    OPENVINO_FILES,
    SAFETENSORS_FILE,
    ImageSpec,
)

OPENVINO: Final = "openvino"
SAFETENSORS: Final = "safetensors"
# Where an architecture is named: this model is not built by name.
OWN_GRAPH: Final = "own-graph"


def export(
    trained: TrainedNetwork,
    labels: Sequence[str],
    directory: Path,
    *,
    architecture: str,
    name: str,
    preprocessing: str,
    formats: Sequence[str],
    calibration: Path | None = None,
) -> Manifest:
    """Write the artefact of an image model.

    Args:
        trained: the network with its numbers.
        labels: by class index, as many as the network gives logits.
        directory: where the artefact goes; one that is there is replaced.
        architecture: how the torch backend builds the network.
        name: the model's name, as people see it.
        preprocessing: "reference" or "standard".
        formats: "openvino" for CPUs, "safetensors" for GPUs, or both.
        calibration: a folder of images to quantise the OpenVINO model with; None: it stays float.

    Raises:
        QuantisationError: the images do not do, or NNCF is not installed.
        ConversionError: the OpenVINO model does not compute what the network computes.
        ModelLoadError, FileExistsError, OSError: as write_artefact.
    """
    spec = _spec(trained.input, architecture, preprocessing, OPENVINO in formats and calibration)
    created_by = _created_by(trained.source)
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, bytes | Path] = {LABELS_FILE: orjson.dumps(list(labels))}
        if SAFETENSORS in formats:
            path = Path(folder, SAFETENSORS_FILE)
            state = {key: value.contiguous() for key, value in trained.network.state_dict().items()}
            save_file(state, path)
            files[SAFETENSORS_FILE] = path
        if OPENVINO in formats:
            path = Path(folder, OPENVINO_FILES[0])
            converted = to_openvino(
                with_input(trained.network, spec),
                path,
                size=trained.input.size,
                classes=len(labels),
                calibration=_pictures(calibration, spec),
            )
            created_by |= _about(converted)
            files |= {file: Path(folder, file) for file in OPENVINO_FILES}
        return write_artefact(
            directory,
            kind=KIND,
            name=name,
            weights=trained.weights,
            created_by=created_by,
            files=files,
            details=spec.to_details(),
        )


def export_program(
    program: Program,
    labels: Sequence[str],
    directory: Path,
    *,
    name: str,
    preprocessing: str,
    calibration: Path | None,
) -> Manifest:
    """Write the artefact of a model that brings its own graph; it can be served on CPUs.

    Raises:
        QuantisationError, ConversionError, ModelLoadError, FileExistsError, OSError: as export.
    """
    spec = _spec(program.input, OWN_GRAPH, preprocessing, calibration)
    with tempfile.TemporaryDirectory() as folder:
        converted = program.write(
            Path(folder, OPENVINO_FILES[0]),
            classes=len(labels),
            calibration=_pictures(calibration, spec),
        )
        files: dict[str, bytes | Path] = {file: Path(folder, file) for file in OPENVINO_FILES}
        return write_artefact(
            directory,
            kind=KIND,
            name=name,
            weights=TRAINED,
            created_by=_created_by(program.source) | _about(converted),
            files=files | {LABELS_FILE: orjson.dumps(list(labels))},
            details=spec.to_details(),
        )


def _spec(shape: Input, architecture: str, method: str, calibration: object) -> ImageSpec:
    return ImageSpec(
        architecture=architecture,
        preprocessing=Preprocessing(method, shape.size, shape.resize, shape.interpolation),
        mean=shape.mean,
        std=shape.std,
        int8=bool(calibration),
    )


def _pictures(calibration: Path | None, spec: ImageSpec) -> Pictures | None:
    return None if calibration is None else read_calibration_images(calibration, spec.preprocessing)


def _created_by(source: str) -> dict[str, Any]:
    return {
        "tool": f"scoring-image export {version('scoring-server')}",
        "torch": torch.__version__,
        "source": source,
    }


def _about(converted: Converted) -> dict[str, Any]:
    about: dict[str, Any] = {
        "openvino": version("openvino"),
        "f16Difference": converted.difference,
    }
    return about if converted.int8 is None else about | {"int8": converted.int8}
