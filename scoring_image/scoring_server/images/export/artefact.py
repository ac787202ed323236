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
from scoring_server.images.export.convert import to_openvino
from scoring_server.images.export.quantise import read_calibration_images
from scoring_server.images.export.weights import TrainedNetwork
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
    shape = trained.input
    spec = ImageSpec(
        architecture=architecture,
        preprocessing=Preprocessing(preprocessing, shape.size, shape.resize, shape.interpolation),
        mean=shape.mean,
        std=shape.std,
        int8=calibration is not None and OPENVINO in formats,
    )
    created_by: dict[str, Any] = {
        "tool": f"scoring-image export {version('scoring-server')}",
        "torch": torch.__version__,
        "source": trained.source,
    }
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, bytes | Path] = {LABELS_FILE: orjson.dumps(list(labels))}
        if SAFETENSORS in formats:
            path = Path(folder, SAFETENSORS_FILE)
            state = {key: value.contiguous() for key, value in trained.network.state_dict().items()}
            save_file(state, path)
            files[SAFETENSORS_FILE] = path
        if OPENVINO in formats:
            path = Path(folder, OPENVINO_FILES[0])
            created_by["openvino"] = version("openvino")
            converted = to_openvino(
                with_input(trained.network, spec),
                path,
                size=shape.size,
                classes=len(labels),
                calibration=read_calibration_images(calibration, spec.preprocessing)
                if calibration is not None
                else None,
            )
            created_by["f16Difference"] = converted.difference
            if converted.int8 is not None:
                created_by["int8"] = converted.int8
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
