"""What `scoring-image export` does, step by step."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scoring_server.artefact import Manifest, ModelLoadError
from scoring_server.images.architectures import UnknownArchitecture
from scoring_server.images.export.artefact import OPENVINO, export, export_program
from scoring_server.images.export.convert import ConversionError
from scoring_server.images.export.labels import LabelsError, imagenet_labels, read_labels_file
from scoring_server.images.export.program import ProgramError, read_program
from scoring_server.images.export.quantise import QuantisationError
from scoring_server.images.export.weights import (
    TrainedNetwork,
    WeightsError,
    WeightsUnavailable,
    load_network,
    random_network,
)
from scoring_server.images.spec import RANDOM_WEIGHTS

_FALLBACK_WEIGHTS: Final = "DEFAULT"


class ExportError(Exception):
    """The artefact could not be made; the message is for people."""


def run_export(
    *,
    architecture: str,
    weights: str,
    sha256: str | None,
    seed: int,
    fallback: str | None,
    labels_file: Path | None,
    preprocessing: str,
    formats: Sequence[str],
    directory: Path,
    say: Callable[[str], None],
    calibration: Path | None = None,
) -> Manifest:
    """Find the weights, build the network, write the artefact.

    Args:
        fallback: the architecture to take with its own ImageNet weights where those asked for
            cannot be downloaded; None to fail then.
        say: is told what happens, for people.
        calibration: a folder of images to quantise the OpenVINO model with; None: it stays float.

    Raises:
        ExportError: it cannot be made as asked.
    """
    if calibration is not None and OPENVINO not in formats:
        raise ExportError("int8 is for CPUs: it needs --format openvino or both")
    with _export_errors(directory):
        labels = read_labels_file(labels_file) if labels_file else imagenet_labels()
        say(f"weights of {architecture}: {weights}")
        name = architecture
        try:
            trained = _trained(architecture, weights, sha256, seed, len(labels), say)
        except WeightsUnavailable as error:
            if fallback is None:
                raise ExportError(
                    f"{error}. --fallback efficientnet-lite0 takes a smaller network whose weights "
                    "come from a Python package; --weights also takes a .safetensors file"
                ) from None
            say(f"NOTE: {error}")
            say(
                f"NOTE: taking {fallback} in place of {architecture}: its answers are real, but it "
                "is another, smaller network"
            )
            name = f"{fallback} (in place of {architecture})"
            architecture = fallback
            trained = load_network(fallback, _FALLBACK_WEIGHTS, len(labels), None)
        say(f"writing {name} as {' and '.join(formats)}")
        manifest = export(
            trained,
            labels,
            directory,
            architecture=architecture,
            name=name,
            preprocessing=preprocessing,
            formats=formats,
            calibration=calibration,
        )
    _tell_int8(manifest, say)
    return manifest


def run_program_export(
    path: Path,
    *,
    labels_file: Path | None,
    preprocessing: str,
    resize: int | None,
    interpolation: str,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    directory: Path,
    say: Callable[[str], None],
    calibration: Path | None = None,
) -> Manifest:
    """Write the artefact of an ONNX file or a program of torch.export; see program.read_program.

    Raises:
        ExportError: it cannot be made as asked.
    """
    with _export_errors(directory):
        labels = read_labels_file(labels_file) if labels_file else imagenet_labels()
        program = read_program(
            path,
            classes=len(labels),
            resize=resize,
            interpolation=interpolation,
            mean=mean,
            std=std,
        )
        say(f"writing {path.name} for CPUs")
        manifest = export_program(
            program,
            labels,
            directory,
            name=path.stem,
            preprocessing=preprocessing,
            calibration=calibration,
        )
    _tell_int8(manifest, say)
    return manifest


@contextmanager
def _export_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except (
        UnknownArchitecture,
        WeightsError,
        LabelsError,
        ConversionError,
        ProgramError,
        QuantisationError,
    ) as error:
        raise ExportError(str(error)) from None
    except (ModelLoadError, OSError) as error:
        raise ExportError(f"{directory}: {error}") from None


def _tell_int8(manifest: Manifest, say: Callable[[str], None]) -> None:
    if (found := manifest.created_by.get("int8")) is not None:
        say(
            f"int8: the best label stayed the same for {found['sameFirst']:.1%} of the "
            f"{found['images']} images that it was calibrated with; scoring-image evaluate "
            "tells more"
        )


def _trained(
    architecture: str,
    weights: str,
    sha256: str | None,
    seed: int,
    classes: int,
    say: Callable[[str], None],
) -> TrainedNetwork:
    if weights != RANDOM_WEIGHTS:
        return load_network(architecture, weights, classes, sha256)
    say("NOTE: random weights: the answers will mean nothing; /version and the log say so")
    return random_network(architecture, classes, seed)
