"""Inference on the CPU with OpenVINO: no torch at run time."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino
from numpy.typing import NDArray

from scoring_server.artefact import Artefact, ModelLoadError
from scoring_server.images.spec import OPENVINO_FILES, ImageSpec

# With ResNet-152 on 2 cores 8 a batch gain 7 % over 1; more cores and smaller networks gain more.
_CHOICES: Final = (1, 2, 4, 8, 16, 32)


class OpenVinoBackend:
    """A compiled OpenVINO model and its one infer request.

    Args:
        model: model.xml; its weights lie beside it.
        size: side of the square input, pixels.
        classes: how many logits the model must give.
        threads: how many threads inference may use.
        precision: "f32" or "bf16".
        int8: whether the model is quantised; precision is then that of what was left in floats.
        max_batch: the most pictures at once.

    Raises:
        ModelLoadError: OpenVINO cannot read the model, or its input or output is another.
    """

    name = "openvino"
    device = "cpu"
    # A second batch would compete with the first for the same cores.
    lanes = 1

    def __init__(
        self,
        model: Path,
        *,
        size: int,
        classes: int,
        threads: int,
        precision: str,
        int8: bool = False,
        max_batch: int = _CHOICES[-1],
    ) -> None:
        self.max_batch = max_batch
        self.batch_sizes = (*(size for size in _CHOICES if size < max_batch), max_batch)
        _check_format(model)
        core = openvino.Core()
        try:
            graph = core.read_model(model)
            graph.reshape(openvino.PartialShape([openvino.Dimension(1, max_batch), size, size, 3]))
            _check_interface(graph, classes)
            compiled = core.compile_model(graph, "CPU", _config(threads, precision))
        except RuntimeError as error:
            raise ModelLoadError(f"OpenVINO cannot load {model.name}: {error}") from None
        self.precision = "int8" if int8 else precision
        self._request = compiled.create_infer_request()

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of shape (N, classes) from pictures of shape (N, size, size, 3).

        OpenVINO prepares itself for each batch size that it meets, which takes as long as the batch
        and keeps memory. So a batch is computed in parts of the sizes that were warmed: on a CPU
        that costs a few percent at most.
        """
        parts: list[NDArray[np.float32]] = []
        for size in reversed(self.batch_sizes):
            while len(batch) >= size:
                parts.append(self._infer(batch[:size]))
                batch = batch[size:]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _infer(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """By tensors: infer() with the pictures as its argument takes 40 microseconds more."""
        # A tensor shares memory only with an array that it might write to.
        pictures = np.require(pictures, requirements=("C", "W"))
        self._request.set_input_tensor(openvino.Tensor(pictures, shared_memory=True))
        self._request.infer()
        # The request gives out its own memory, which the next batch overwrites.
        logits: NDArray[np.float32] = self._request.get_output_tensor().data.copy()
        return logits


def open_openvino(
    artefact: Artefact,
    spec: ImageSpec,
    *,
    classes: int,
    threads: int,
    max_batch: int | None = None,
    precision: str | None = None,
) -> OpenVinoBackend:
    """The artefact's model on this CPU.

    Args:
        precision: "f32" or "bf16"; None: bf16 where the CPU has that, else f32.

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
        precision=precision or best_precision(),
        int8=spec.int8,
        max_batch=max_batch or _CHOICES[-1],
    )


def _check_format(model: Path) -> None:
    """Refuse what is no XML: OpenVINO would hand it to its readers of other frameworks' models."""
    with model.open("rb") as file:
        if file.read(1) != b"<":
            raise ModelLoadError(f"OpenVINO cannot load {model.name}: it is no XML")


def best_precision() -> str:
    """bf16 where the CPU computes in it: twice as fast, top-1 the same for 99 of 100 pictures."""
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


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
