"""Inference on the GPU with torch; the same code runs on the CPU, slowly, for tests."""

import io
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from scoring_server.artefact import Artefact, ModelLoadError
from scoring_server.batching import DeviceLost
from scoring_server.images.architectures import UnknownArchitecture, build, with_input
from scoring_server.images.backends.jpeg import LARGEST_FILE_BYTES, JpegDecoder, open_decoder
from scoring_server.images.preprocess import Preprocessing
from scoring_server.images.spec import SAFETENSORS_FILE, ImageSpec

_log = logging.getLogger(__name__)

# An H100 gains little beyond 64 images of ResNet-152 a batch.
_CHOICES: Final = (1, 8, 16, 32, 64)
_GPU_LANES: Final = 2
# Libraries choose their kernels and allocate what they need in the first passes, which must not
# happen while a graph is captured.
_PASSES_BEFORE_CAPTURE: Final = 3


# Pictures from the CPU, as one array or one by one, and others that are on the device.
_Rows = NDArray[np.uint8] | Sequence[NDArray[np.uint8] | torch.Tensor]


class TorchBackend:
    """A torch module on a device: fp16 and channels_last on a GPU, fp32 on a CPU.

    It computes a few fixed batch sizes, whose kernels are captured once and replayed as one (CUDA
    graphs), so that the CPU's part of a pass does not grow with the layers. A batch is padded to
    the next size. Each lane has a stream, buffers and graphs of its own: while the GPU computes the
    batch of one, the other's is copied, or its answers are.

    Args:
        module: takes uint8 pictures of shape (N, size, size, 3).
        device: as torch names it, "cuda" or "cpu".
        size: side of the square input, pixels.
        max_batch: the most pictures at once.
        lanes: how many batches may be under way at once; None: 2 on a GPU, 1 on a CPU.
        decoder: for JPEG files that come as they are; None: there are none.
    """

    name = "torch"

    def __init__(
        self,
        module: torch.nn.Module,
        device: str,
        *,
        size: int,
        max_batch: int = _CHOICES[-1],
        lanes: int | None = None,
        decoder: JpegDecoder | None = None,
    ) -> None:
        self.max_batch = max_batch
        self.batch_sizes = (*(choice for choice in _CHOICES if choice < max_batch), max_batch)
        place = torch.device(device)
        on_gpu = place.type == "cuda"
        self.device = "gpu" if on_gpu else "cpu"
        self.precision = "f16" if on_gpu else "f32"
        self.lanes = lanes or (_GPU_LANES if on_gpu else 1)
        # nn.Module.to changes the module; torch has no annotation for the memory format's overload.
        placed: Any = module.eval().to(place, torch.float16 if on_gpu else torch.float32)
        self._module = placed.to(memory_format=torch.channels_last)
        self._side = size
        self._place = place
        self._decoder = decoder
        self.jpeg_bytes = LARGEST_FILE_BYTES if decoder else 0
        self._free: SimpleQueue[_Lane] = SimpleQueue()
        for _ in range(self.lanes):
            self._free.put(_Lane(place, size))
        self._prepared: set[int] = set()
        self._preparing = threading.Lock()

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits of shape (N, classes) from pictures of shape (N, size, size, 3).

        Raises:
            DeviceLost: the GPU does not answer any more.
        """
        largest = self.batch_sizes[-1]
        if len(batch) > largest:
            parts = [batch[i : i + largest] for i in range(0, len(batch), largest)]
            return np.concatenate([self.infer(part) for part in parts])
        with self._lane_for(len(batch)) as (lane, size), lane.on_stream():
            return lane.run(size, batch)

    def infer_mixed(
        self, items: Sequence[NDArray[np.uint8]]
    ) -> Sequence[NDArray[np.float32] | None]:
        """Logits of pictures and of JPEG files; see DecodingBackend.

        Raises:
            DeviceLost: the GPU does not answer any more.
        """
        with self._lane_for(len(items)) as (lane, size), lane.on_stream():
            # On the stream that the pictures are then used on, or that would not wait for them.
            rows = self._decoded(items)
            good = [row for row in rows if row is not None]
            logits = iter(lane.run(size, good)) if good else iter(())
        return [None if row is None else next(logits) for row in rows]

    def _decoded(
        self, items: Sequence[NDArray[np.uint8]]
    ) -> Sequence[NDArray[np.uint8] | torch.Tensor | None]:
        rows: list[NDArray[np.uint8] | torch.Tensor | None] = list(items)
        places = [place for place, item in enumerate(items) if item.ndim == 1]
        if places:
            if self._decoder is None:
                raise ValueError("this backend decodes no files")
            decoded = self._decoder.decode([items[place] for place in places])
            for place, picture in zip(places, decoded, strict=True):
                rows[place] = picture
        return rows

    @contextmanager
    def _lane_for(self, count: int) -> "Iterator[tuple[_Lane, int]]":
        """A lane of one's own, and the batch size that so many pictures are padded to."""
        size = next(size for size in self.batch_sizes if size >= count)
        with device_errors(), torch.inference_mode():
            if size not in self._prepared:
                self._prepare(size)
            lane = self._free.get()
            try:
                yield lane, size
            finally:
                self._free.put(lane)

    def compile(self) -> None:
        """Compile the model for one batch size after the other (torch.compile).

        Takes from half a minute a size to a few seconds, where the cache that the environment
        variable TORCHINDUCTOR_CACHE_DIR names has it. Meanwhile and where it fails, the batches are
        computed as they were. To be called by a thread that has time.
        """
        compiled: Any = torch.compile(self._module, dynamic=False)
        for size in self.batch_sizes:
            started = time.monotonic()
            try:
                with device_errors(), torch.inference_mode():
                    # Compiles; capturing a graph of it afterwards takes the lanes for a moment.
                    compiled(torch.zeros(self._shape(size), dtype=torch.uint8, device=self._place))
                    self._prepare(size, compiled)
            except Exception as error:
                _log.warning("the model is served without torch.compile: %s", error)
                return
            seconds = round(time.monotonic() - started, 1)
            _log.info("a batch size is compiled", extra={"batch": size, "seconds": seconds})

    def _shape(self, size: int) -> tuple[int, ...]:
        return (size, self._side, self._side, 3)

    def _prepare(self, size: int, module: Any = None) -> None:
        """Make the passes of one batch size in all lanes, while none of them computes."""
        with self._preparing:
            if size in self._prepared and module is None:
                return  # another thread was faster
            lanes = [self._free.get() for _ in range(self.lanes)]
            try:
                for lane in lanes:
                    lane.prepare(size, self._module if module is None else module)
            finally:
                for lane in lanes:
                    self._free.put(lane)
            self._prepared.add(size)


class _Lane:
    """Where one batch is under way at a time: a stream, and a pass for each batch size.

    The graphs of a lane share their memory, as only one of them runs at a time.
    """

    def __init__(self, place: torch.device, side: int) -> None:
        self._place = place
        self._side = side
        self._passes: dict[int, _FixedPass] = {}
        on_gpu = place.type == "cuda"
        self._stream: Any = torch.cuda.Stream() if on_gpu else None  # type: ignore[no-untyped-call]  # torch annotates in part
        self._pool: Any = torch.cuda.graph_pool_handle() if on_gpu else None

    def prepare(self, size: int, module: Any) -> None:
        shape = (size, self._side, self._side, 3)
        with self.on_stream():
            self._passes[size] = _FixedPass(module, self._place, shape, self._pool)

    def run(self, size: int, rows: _Rows) -> NDArray[np.float32]:
        return self._passes[size].run(rows)

    def on_stream(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._stream is None else torch.cuda.stream(self._stream)


class _FixedPass:
    """A module on one batch size, with the memory that goes in and comes out.

    On a CPU there is nothing to capture: the module runs, on the same buffers.
    """

    def __init__(self, module: Any, place: torch.device, shape: tuple[int, ...], pool: Any) -> None:
        on_gpu = place.type == "cuda"
        # Page-locked memory is copied to the GPU without the CPU.
        self._staging = torch.zeros(shape, dtype=torch.uint8, pin_memory=on_gpu)
        self._pictures = torch.zeros(shape, dtype=torch.uint8, device=place)
        self._module = module
        self._graph: torch.cuda.CUDAGraph | None = None
        if on_gpu:
            self._capture(pool)
        else:
            self._logits = module(self._pictures)

    def run(self, rows: _Rows) -> NDArray[np.float32]:
        """Logits of as many pictures as there are; what stands in the other rows is ignored."""
        count = len(rows)
        if isinstance(rows, np.ndarray):
            self._staging[:count].copy_(torch.from_numpy(rows))
        else:
            for place, row in enumerate(rows):
                if isinstance(row, np.ndarray):
                    self._staging[place].copy_(torch.from_numpy(row))
        self._pictures.copy_(self._staging, non_blocking=True)
        for place, row in enumerate(rows):
            if isinstance(row, torch.Tensor):  # it is on the device already
                self._pictures[place].copy_(row)
        if self._graph is None:
            self._logits.copy_(self._module(self._pictures))
        else:
            self._graph.replay()
        logits: NDArray[np.float32] = self._logits[:count].float().cpu().numpy()
        # On a CPU that is the buffer itself, which the next batch overwrites.
        return logits.copy()

    def _capture(self, pool: Any) -> None:
        """As torch's notes on CUDA graphs have it: warm on a side stream, then capture."""
        stream = torch.cuda.current_stream()
        for _ in range(_PASSES_BEFORE_CAPTURE):
            self._module(self._pictures)
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may use the GPU meanwhile, which the default mode would take for an error.
        with torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"
        ):
            self._logits = self._module(self._pictures)


@contextmanager
def device_errors() -> Iterator[None]:
    """A failed kernel or a GPU that fell off the bus leaves a context that fails for ever."""
    try:
        yield
    except torch.AcceleratorError as error:
        reason = str(error).strip().splitlines()[0]
        raise DeviceLost(f"the GPU failed: {reason}") from error


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
        network = build(spec.architecture, classes, spec.preprocessing.size)
        network.load_state_dict(load_file(artefact.path(SAFETENSORS_FILE)))
    except (UnknownArchitecture, SafetensorError, RuntimeError) as error:
        raise ModelLoadError(f"{SAFETENSORS_FILE} cannot be loaded: {error}") from None
    return TorchBackend(
        with_input(network, spec),
        device,
        size=spec.preprocessing.size,
        max_batch=max_batch or _CHOICES[-1],
        decoder=_decoder(spec.preprocessing) if device == "cuda" else None,
    )


def _decoder(way: Preprocessing) -> JpegDecoder | None:
    example = io.BytesIO()
    Image.new("RGB", (way.resize, way.resize)).save(example, "JPEG")
    return open_decoder(way, torch.device("cuda"), example.getvalue())
