"""A device that is lost while it serves: not ready, refused, then ended with the reason."""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

from tests.server.colour_model import write_colour_model
from tests.server.pictures import plain
from tests.server.runtime.conftest import image_variables
from tests.server.server_process import ServerProcess

# A picture of this colour costs the device.
FATAL = (7, 7, 7)
# Loaded by Python itself when the server starts.
_INJECTED = """
import scoring_server.images.backends.openvino as openvino
from scoring_server.batching import DeviceLost

usual = openvino.OpenVinoBackend.infer

def infer(self, pictures):
    if (pictures == 7).all(axis=(1, 2, 3)).any():
        raise DeviceLost("the GPU failed: CUDA error: device-side assert triggered")
    return usual(self, pictures)

openvino.OpenVinoBackend.infer = infer
"""


def inject_lost_device(folder: Path) -> dict[str, str]:
    """Variables of a server whose device is lost when it computes a picture of that colour."""
    (folder / "sitecustomize.py").write_text(_INJECTED)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}


def test_it_leaves_readiness_and_ends_with_the_reason(tmp_path: Path) -> None:
    model = write_colour_model(tmp_path / "model")
    variables = {**image_variables(model), **inject_lost_device(tmp_path)}
    with ServerProcess(tmp_path, **variables) as server:
        server.wait_until_ready()
        assert [server.post(plain(), "image/jpeg")[0] for _ in range(2)] == [200, 200]
        lost = time.monotonic()
        status, answer = server.post(plain(FATAL), "image/jpeg")
        assert status == 503
        assert "CUDA" not in json.dumps(answer)
        with contextlib.suppress(OSError):  # it ends soon: on a busy machine it may be gone
            ready, document = server.get("/healthz/ready")
            assert (ready, json.loads(document)) == (503, {"status": "failed"})
        assert server.wait_for_end() == 70
        assert time.monotonic() - lost < 60
        assert server.termination_log.read_text() == (
            "DeviceLost: the GPU failed: CUDA error: device-side assert triggered"
        )
        critical = [line for line in server.log_lines() if line["level"] == "critical"]
    assert critical[0]["message"].startswith("the device is lost: the GPU failed")
