"""What computes: one backend per kind of hardware behind one small interface."""

from scoring_server.artefact import Artefact
from scoring_server.images.backends.base import Backend
from scoring_server.images.spec import ImageSpec

__all__ = ["Backend", "open_backend"]


def open_backend(
    artefact: Artefact,
    spec: ImageSpec,
    *,
    classes: int,
    device: str,
    threads: int,
    max_batch: int | None = None,
    precision: str | None = None,
) -> Backend:
    """Load the model of a verified artefact onto a device.

    Args:
        classes: how many logits the model must give.
        device: "cpu" (OpenVINO) or "gpu" (torch).
        threads: how many threads inference on the CPU may use.
        max_batch: the most pictures at once; None: as many as may be worth it on the hardware.
        precision: what the CPU computes in, "f32" or "bf16"; None: the fastest that it has.

    Raises:
        ModelLoadError: the artefact does not hold what the device needs, or it cannot be loaded.
    """
    # Each image target carries only its own library, so neither is imported before it is chosen.
    if device == "cpu":
        from scoring_server.images.backends.openvino import open_openvino

        return open_openvino(
            artefact,
            spec,
            classes=classes,
            threads=threads,
            max_batch=max_batch,
            precision=precision,
        )
    from scoring_server.images.backends.torch import open_torch

    return open_torch(artefact, spec, classes=classes, device="cuda", max_batch=max_batch)
