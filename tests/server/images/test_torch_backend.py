"""The GPU's code, on the CPU: all but the capture of CUDA graphs is the same."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
    both = threading.Barrier(2, timeout=60)
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


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """torch.compile, instant: the module that it gives says so by answers that are doubled."""
    called = threading.Event()

    def compile_(module: torch.nn.Module, *, dynamic: bool) -> Callable[..., torch.Tensor]:
        assert not dynamic
        called.set()
        return lambda batch: 2 * module(batch)

    monkeypatch.setattr(torch, "compile", compile_)
    return called


def test_what_is_compiled_takes_over_while_batches_are_computed(compiled: threading.Event) -> None:
    backend = TorchBackend(Means(), "cpu", size=SIDE, max_batch=8, lanes=2)
    batch = pictures(8)
    means = batch.mean(axis=(1, 2))
    done = threading.Event()
    seen: list[float] = []

    def ask() -> None:
        while not done.is_set():
            seen.append(float((backend.infer(batch) / means).mean()))

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        while len(seen) < 10:
            time.sleep(0.001)
        backend.compile()
        done.set()
        for future in asking:
            future.result(60)
    assert compiled.is_set()
    assert {round(factor, 2) for factor in seen} <= {1, 2}
    for _ in range(2 * backend.lanes):
        assert np.allclose(backend.infer(batch), 2 * means, atol=1e-3)


def test_where_compiling_fails_the_model_is_served_as_it_was(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(batch: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", lambda module, *, dynamic: fail)
    backend = TorchBackend(Means(), "cpu", size=SIDE, max_batch=8)
    backend.compile()
    assert "without torch.compile: no C++ compiler" in caplog.text
    batch = pictures(3)
    assert np.allclose(backend.infer(batch), batch.mean(axis=(1, 2)), atol=1e-3)


_COMPILE = """
import sys, numpy as np, torch
from torch._dynamo.utils import counters
from scoring_server.images.backends.torch import TorchBackend

class Tiny(torch.nn.Module):
    def forward(self, pictures):
        return (pictures.to(torch.float32) / 255 + 1).sqrt().mean(dim=(1, 2))

backend = TorchBackend(Tiny(), "cpu", size=8, max_batch=2)
batch = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
plain = backend.infer(batch)
backend.compile()
assert np.allclose(backend.infer(batch), plain, atol=1e-5)
assert np.allclose(backend.infer(batch[:1]), plain[:1], atol=1e-5)
print(counters["inductor"]["fxgraph_cache_miss"], counters["inductor"]["fxgraph_cache_hit"])
"""


def test_a_compiled_model_answers_alike_and_is_found_again_in_the_cache(
    tmp_path: Path, long: bool
) -> None:
    if not long:
        pytest.skip("compiling takes minutes: pytest --long")
    if shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    variables = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}

    def run() -> list[int]:
        command = [sys.executable, "-c", _COMPILE]
        done = subprocess.run(
            command, env=variables, check=True, capture_output=True, text=True, timeout=500
        )
        assert "without torch.compile" not in done.stderr
        return [int(number) for number in done.stdout.split()]

    assert run() == [2, 0]
    assert run() == [0, 2]
