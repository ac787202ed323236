"""The first computations of a model: they check it, warm it, and choose its batch size."""

from typing import Final

import numpy as np

from scoring_server.artefact import ModelLoadError
from scoring_server.images.backends import Backend
from scoring_server.images.calibration import Calibration, calibrate

# A pod is to be ready within 5 s of its start, and loading a model takes 1 to 2 s of them.
CALIBRATION_SECONDS: Final = 2.0
# Computing batches beyond this size would delay the start; their first use warms them.
_LARGEST_WARMED: Final = 32


def warm(
    backend: Backend,
    *,
    classes: int,
    size: int,
    max_batch: int | None,
    budget: float = CALIBRATION_SECONDS,
) -> Calibration:
    """Compute pictures of noise in each batch size.

    Args:
        classes: how many scores the model must give.
        size: side of the square input, pixels.
        max_batch: the batch size to use; None: the best of the backend's, by measurement.
        budget: seconds that measuring may take.

    Raises:
        ModelLoadError: the results are no numbers, or not one for each label.
    """
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)

    def compute(count: int) -> None:
        logits = backend.infer(np.stack([noise] * count))
        if logits.shape != (count, classes):
            raise ModelLoadError(
                f"the model gives {logits.shape[-1]} scores, but there are {classes} labels: they "
                "belong to another model"
            )
        if not np.isfinite(logits).all():
            raise ModelLoadError("the model's scores are not numbers: its weights are damaged")

    if max_batch is None:
        return calibrate(compute, backend.batch_sizes, budget=budget)
    for count in backend.batch_sizes:
        if count <= _LARGEST_WARMED:
            compute(count)
    return Calibration(max_batch, measured=False, images_per_second={})
