from pathlib import Path

import pytest

from scoring_server.images.backends.openvino import OpenVinoBackend, best_precision
from tests.server.colour_model import SIZE, write_colour_model


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [(["FP32", "INT8", "BIN"], "f32"), (["FP32", "BF16", "INT8", "BIN"], "bf16")],
)
def test_bf16_is_taken_where_the_cpu_has_it(
    capabilities: list[str], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Core:
        def get_property(self, device: str, name: str) -> list[str]:
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return capabilities

    monkeypatch.setattr("openvino.Core", Core)
    assert best_precision() == precision


@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_with_the_threads_that_it_is_given(threads: int, tmp_path: Path) -> None:
    model = write_colour_model(tmp_path / "model") / "model.xml"
    backend = OpenVinoBackend(model, size=SIZE, classes=3, threads=threads, precision="f32")
    compiled = backend._request.get_compiled_model()
    assert compiled.get_property("INFERENCE_NUM_THREADS") == threads
