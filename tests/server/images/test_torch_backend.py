"""The GPU's code, on the CPU: all but the capture of CUDA graphs is the same."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scoring_server.batching import DeviceLost
from scoring_server.images.backends.torch import TorchBackend

SIDE = 16


class Means(torch.nn.Module):
    """Gives each channel's mean, and remembers the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.lost = False

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(pictures))
        if self.lost:
            raise torch.AcceleratorError("CUDA error: an illegal memory access\nCompile with …")
        return pictures.to(torch.float32).mean(dim=(1, 2))


def pictures(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


@pytest.fixture
def means() -> Means:
    return Means()


@pytest.fixture
def backend(means: Means) -> TorchBackend:
    return TorchBackend(means, "cpu", size=SIDE, max_batch=32)


@pytest.mark.parametrize("count", [1, 2, 8, 9, 31, 32, 33, 70])
def test_any_number_of_pictures_is_computed_in_fixed_sizes(
    backend: TorchBackend, means: Means, count: int
) -> None:
    batch = pictures(count)
    assert np.allclose(backend.infer(batch), batch.mean(axis=(1, 2)), atol=1e-3)
    assert set(means.batches) <= {1, 8, 16, 32}


def test_what_was_computed_before_leaves_no_trace(backend: TorchBackend) -> None:
    first = backend.infer(pictures(8))
    kept = first.copy()
    few = pictures(3)
    assert np.allclose(backend.infer(few), few.mean(axis=(1, 2)), atol=1e-3)
    assert np.array_equal(first, kept), "an answer is not overwritten by the next"


def test_a_failed_device_is_called_lost(backend: TorchBackend, means: Means) -> None:
    backend.infer(pictures(1))
    means.lost = True
    with pytest.raises(DeviceLost, match=r"^the GPU failed: CUDA error: an illegal memory access$"):
        backend.infer(pictures(1))


def test_captured_graphs_answer_as_the_module_does() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU: CUDA graphs were not captured")
    linear = torch.nn.Linear(SIDE * SIDE * 3, 5)

    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            scaled: torch.Tensor = self.linear(batch.flatten(1).to(linear.weight.dtype) / 255)
            return scaled

    batch = pictures(20)
    wanted = TorchBackend(Scaled(), "cpu", size=SIDE).infer(batch)
    found = TorchBackend(Scaled(), "cuda", size=SIDE).infer(batch)
    assert np.abs(found - wanted).max() < 0.01


def test_two_lanes_compute_two_batches_at_once() -> None:
    both = threading.Barrier(2, timeout=30)
    meet = threading.Event()

    class Meeting(Means):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            if meet.is_set():
                both.wait()  # passes only if two batches are under way at once
            return super().forward(batch)

    backend = TorchBackend(Meeting(), "cpu", size=SIDE, max_batch=8, lanes=2)
    batches = [pictures(8), 255 - pictures(8)]
    backend.infer(batches[0])
    meet.set()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(backend.infer, batches * 5))
    for batch, logits in zip(batches * 5, found, strict=True):
        assert np.allclose(logits, batch.mean(axis=(1, 2)), atol=1e-3)


def test_another_module_takes_over_while_batches_are_computed() -> None:
    class Doubled(Means):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(batch)

    backend = TorchBackend(Means(), "cpu", size=SIDE, max_batch=8, lanes=2)
    batch = pictures(8)
    means = batch.mean(axis=(1, 2))
    go_on = threading.Event()
    seen: list[float] = []

    def ask() -> None:
        while not go_on.is_set():
            seen.append(float((backend.infer(batch) / means).mean()))

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        while len(seen) < 10:
            time.sleep(0.001)
        backend.replace(8, Doubled())
        after = float((backend.infer(batch) / means).mean())
        go_on.set()
        for future in asking:
            future.result(30)
    assert after == pytest.approx(2, abs=1e-3)
    assert {round(factor) for factor in seen} <= {1, 2}
    assert round(seen[0]) == 1
