"""A GPU that fails, on a machine that has none: the server's own words are what counts."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.node import models
from tests.node.file_server import FileServer
from tests.node.namespace import Namespace, poll

pytestmark = pytest.mark.node

# Python loads a module of this name when it starts, from the folder of the model.
_INJECTED = """
try:
    import scoring_server.images.backends.openvino as openvino
    from scoring_server.batching import DeviceLost
except ImportError:  # in the container that fetches the model
    pass
else:
    def infer(self, pictures):
        raise DeviceLost("the GPU failed: CUDA error: uncorrectable ECC error encountered")

    openvino.OpenVinoBackend.infer = infer
"""


def inject(artefact: Path) -> None:
    """Put it into the model, with an entry in the manifest: nothing else may lie there."""
    (artefact / "sitecustomize.py").write_text(_INJECTED)
    manifest = json.loads((artefact / "model.json").read_text())
    content = _INJECTED.encode()
    manifest["files"]["sitecustomize.py"] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    (artefact / "model.json").write_text(json.dumps(manifest))


def test_a_lost_accelerator_is_told_and_clears_with_its_cause(
    namespace: Namespace, file_server: FileServer, tmp_path: Path
) -> None:
    artefact = models.random_classifier(tmp_path / "model")
    inject(artefact)
    model = {
        "type": "image-classification",
        "source": file_server.put("broken.tar", models.archive(artefact)),
    }
    broken = {"env": [{"name": "PYTHONPATH", "value": "/models"}]}
    namespace.serve("image", model=model, podTemplate=broken, rollout={"drainSeconds": 0})
    ready = namespace.wait_reason("image", "AcceleratorLost")
    assert "the GPU failed: CUDA error: uncorrectable ECC error encountered" in ready["message"]
    pod = namespace.get("scoringservice", "image")["status"]["lastFailure"]["pod"]
    ended = poll(lambda: _exit_code(namespace, pod), 120)
    assert ended == 70
    namespace.run(
        *("patch", "scoringservice", "image", "--type=merge", "--patch"),
        '{"spec": {"podTemplate": null}}',
    )
    namespace.wait_ready("image")
    failure = namespace.get("scoringservice", "image")["status"]["lastFailure"]
    assert failure["reason"] == "AcceleratorLost"


def _exit_code(namespace: Namespace, pod: str) -> int | None:
    (status,) = namespace.get("pod", pod)["status"]["containerStatuses"]
    for state in (status["state"], status["lastState"]):
        if "terminated" in state:
            return int(state["terminated"]["exitCode"])
    return None
