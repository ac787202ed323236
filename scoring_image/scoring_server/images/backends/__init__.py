"""What computes: one backend per kind of hardware behind one small interface."""

from typing import Final

from scoring_server.artefact import Artefact, ModelLoadError
from scoring_server.images.backends.base import (
    Backend,
    CompilingBackend,
    DecodingBackend,
    Device,
    device_of,
)
from scoring_server.images.spec import ImageSpec

__all__ = [
    "COMPUTES",
    "Backend",
    "CompilingBackend",
    "DecodingBackend",
    "Device",
    "device_of",
    "open_backend",
    "open_compute",
]

# Ways to compute, for comparing them; a server takes the one that its device has.
COMPUTES: Final = ("openvino", "openvino-f32", "openvino-bf16", "torch-cpu", "torch-gpu")
_OPENVINO: Final = {"openvino": None, "openvino-f32": "f32", "openvino-bf16": "bf16"}


def open_backend(
    artefact: Artefact,
    spec: ImageSpec,
    *,
    classes: int,
    device: str,
    threads: int,
    max_batch: int | None = None,
) -> Backend:
    """Load the model of a verified artefact onto a device.

    Args:
        classes: how many logits the model must give.
        device: "cpu" (OpenVINO) or "gpu" (torch).
        threads: how many threads inference on the CPU may use.
        max_batch: the most pictures at once; None: as many as may be worth it on the hardware.

    Raises:
        ModelLoadError: the artefact does not hold what the device needs, or it cannot be loaded.
    """
    compute = "openvino" if device == "cpu" else "torch-gpu"
    return open_compute(
        artefact, spec, compute, classes=classes, threads=threads, max_batch=max_batch
    )


def open_compute(
    artefact: Artefact,
    spec: ImageSpec,
    compute: str,
    *,
    classes: int,
    threads: int,
    max_batch: int | None = None,
) -> Backend:
    """Load the model of a verified artefact to compute in one of COMPUTES.

    Raises:
        ModelLoadError: as open_backend, or the library that computes so is not installed.
    """
    try:
        return _open(artefact, spec, compute, classes=classes, threads=threads, max_batch=max_batch)
    except ModuleNotFoundError as error:
        target = "cpu" if compute in _OPENVINO else "gpu"
        raise ModelLoadError(
            f"{compute} needs {error.name}, which is not installed here: take the {target} image, "
            f"or pip install 'scoring-server[{target}]'"
        ) from None


def _open(
    artefact: Artefact,
    spec: ImageSpec,
    compute: str,
    *,
    classes: int,
    threads: int,
    max_batch: int | None,
) -> Backend:
    # Each image target carries only its own library, so neither is imported before it is chosen.
    if compute in _OPENVINO:
        from scoring_server.images.backends.openvino import open_openvino

        return open_openvino(
            artefact,
            spec,
            classes=classes,
            threads=threads,
            max_batch=max_batch,
            precision=_OPENVINO[compute],
        )
    from scoring_server.images.backends.torch import open_torch

    device = "cuda" if compute == "torch-gpu" else "cpu"
    return open_torch(artefact, spec, classes=classes, device=device, max_batch=max_batch)
