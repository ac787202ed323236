"""Inference on the CPU with OpenVINO: no torch at run time."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino
from numpy.typing import NDArray

from scoring_server.artefact import Artefact, ModelLoadError
from scoring_server.images.spec import OPENVINO_FILES, ImageSpec

# Measured with ResNet-152 on 2 cores: 8 a batch gain 7 % over 1, nearly all of it with 4.
_BEST_BATCH: Final = 4
# Larger batches are warmed by their first use: computing them would delay the start.
_LARGEST_WARMED: Final = 32


class OpenVinoBackend:
    """A compiled OpenVINO model and its one infer request.

    Args:
        model: model.xml; its weights lie beside it.
        size: side of the square input, pixels.
        classes: how many logits the model must give.
        threads: how many threads inference may use.
        precision: "f32" or "bf16".
        max_batch: the most pictures at once.

    Raises:
        ModelLoadError: OpenVINO cannot read the model, or its input or output is another.
    """

    name = "openvino"
    device = "cpu"

    def __init__(
        self,
        model: Path,
        *,
        size: int,
        classes: int,
        threads: int,
        precision: str,
        max_batch: int = _BEST_BATCH,
    ) -> None:
        self.max_batch = max_batch
        self.warm_sizes = _warm_sizes(max_batch)
        core = openvino.Core()
        try:
            graph = core.read_model(model)
            graph.reshape(openvino.PartialShape([openvino.Dimension(1, max_batch), size, size, 3]))
            _check_interface(graph, classes)
            compiled = core.compile_model(graph, "CPU", _config(threads, precision))
        except RuntimeError as error:
            raise ModelLoadError(f"OpenVINO cannot load {model.name}: {error}") from None
        self.precision = precision
        self._request = compiled.create_infer_request()

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of shape (N, classes) from pictures of shape (N, size, size, 3)."""
        logits: NDArray[np.float32] = self._request.infer([batch])[0]
        return logits


def open_openvino(
    artefact: Artefact,
    spec: ImageSpec,
    *,
    classes: int,
    threads: int,
    max_batch: int | None = None,
) -> OpenVinoBackend:
    """The artefact's model on this CPU: in bf16 where the CPU has that, else in f32.

    Raises:
        ModelLoadError: the artefact has no OpenVINO model, or one that does not fit its manifest.
    """
    if not set(OPENVINO_FILES) <= artefact.manifest.files.keys():
        raise ModelLoadError(
            f"the model in {artefact.directory} has no {OPENVINO_FILES[0]}, which serving on a CPU "
            "needs: export it with --format openvino"
        )
    return OpenVinoBackend(
        artefact.path(OPENVINO_FILES[0]),
        size=spec.preprocessing.size,
        classes=classes,
        threads=threads,
        precision=best_precision(),
        max_batch=max_batch or _BEST_BATCH,
    )


def best_precision() -> str:
    """bf16 where the CPU computes in it: twice as fast, top-1 the same for 99 of 100 pictures."""
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


def _warm_sizes(max_batch: int) -> tuple[int, ...]:
    """Each size up to the best batch, which come most often, and powers of two above."""
    larger = [2**power for power in range(3, 11) if 2**power <= min(max_batch, _LARGEST_WARMED)]
    return (*range(1, min(max_batch, _BEST_BATCH) + 1), *larger)


def _config(threads: int, precision: str) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # A container shares its cores with others: threads tied to cores would wait for them.
        "ENABLE_CPU_PINNING": False,
    }


def _check_interface(graph: Any, classes: int) -> None:
    shape = graph.output(0).get_partial_shape()
    if len(graph.inputs) != 1 or graph.input(0).get_element_type() != openvino.Type.u8:
        raise ModelLoadError("model.xml must take one input, pictures as u8")
    if len(graph.outputs) != 1 or shape.rank.get_length() != 2 or shape[1] != classes:
        raise ModelLoadError(
            f"model.xml gives {shape}, but there are {classes} labels: they belong to another model"
        )
