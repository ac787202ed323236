"""Inference on the GPU with torch; the same code runs on the CPU, slowly, for tests."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from scoring_server.artefact import Artefact, ModelLoadError
from scoring_server.images.architectures import UnknownArchitecture, build, with_input
from scoring_server.images.spec import SAFETENSORS_FILE, ImageSpec

# An H100 gains little beyond 64 images of ResNet-152 a batch.
_CHOICES: Final = (1, 8, 16, 32, 64)


class TorchBackend:
    """A torch module on a device: fp16 and channels_last on a GPU, fp32 on a CPU."""

    name = "torch"

    def __init__(self, module: torch.nn.Module, device: str, max_batch: int = _CHOICES[-1]) -> None:
        self.max_batch = max_batch
        self.batch_sizes = (*(size for size in _CHOICES if size < max_batch), max_batch)
        self._device = torch.device(device)
        on_gpu = self._device.type != "cpu"
        self._dtype = torch.float16 if on_gpu else torch.float32
        self.device = "gpu" if on_gpu else "cpu"
        self.precision = "f16" if on_gpu else "f32"
        # nn.Module.to changes the module; torch has no annotation for the memory format's overload.
        placed: Any = module.eval().to(self._device, self._dtype)
        self._module = placed.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of shape (N, classes) from pictures of shape (N, size, size, 3)."""
        pictures = torch.from_numpy(batch).to(self._device, non_blocking=True)
        logits: NDArray[np.float32] = self._module(pictures).float().cpu().numpy()
        return logits


def open_torch(
    artefact: Artefact,
    spec: ImageSpec,
    *,
    classes: int,
    device: str,
    max_batch: int | None = None,
) -> TorchBackend:
    """The artefact's safetensors in the architecture that its manifest names.

    Args:
        classes: how many logits the model must give.
        device: as torch names it, "cuda" or "cpu".
        max_batch: the most pictures at once; None: the best for the hardware.

    Raises:
        ModelLoadError: the device is not there, or the artefact does not hold such a model.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelLoadError(
            "no GPU is visible to this container: request nvidia.com/gpu, or serve on cpu"
        )
    if SAFETENSORS_FILE not in artefact.manifest.files:
        raise ModelLoadError(
            f"the model in {artefact.directory} has no {SAFETENSORS_FILE}, which serving on a GPU "
            "needs: export it with --format safetensors"
        )
    try:
        network = build(spec.architecture, classes)
        network.load_state_dict(load_file(artefact.path(SAFETENSORS_FILE)))
    except (UnknownArchitecture, SafetensorError, RuntimeError) as error:
        raise ModelLoadError(f"{SAFETENSORS_FILE} cannot be loaded: {error}") from None
    return TorchBackend(with_input(network, spec), device, max_batch or _CHOICES[-1])
