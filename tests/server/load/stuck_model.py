"""An image model that never comes back from a white picture, and answers all others."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import openvino
import orjson
from openvino import opset13 as ops

from scoring_server.artefact import write_artefact
from scoring_server.images.spec import KIND, LABELS_FILE, OPENVINO_FILES
from tests.server.colour_model import LABELS, SIZE, SPEC

# Rounds of a loop, which would take years.
_FOREVER: Final = 10**15
_WHITE: Final = 254.0


def write_stuck_model(directory: Path) -> Path:
    """Write its artefact: the colour model, with a loop before its answer."""
    pictures = ops.parameter([-1, SIZE, SIZE, 3], openvino.Type.u8, name="pictures")
    means = ops.reduce_mean(ops.convert(pictures, "f32"), [1, 2], keep_dims=False)
    darkest = ops.reduce_max(ops.reduce_min(means, [1], keep_dims=False), [0], keep_dims=False)
    white = ops.convert(ops.greater(darkest, ops.constant(np.float32(_WHITE))), "i64")
    rounds = ops.add(
        ops.multiply(white, ops.constant(np.int64(_FOREVER))), ops.constant(np.int64(1))
    )

    state = ops.parameter([-1, 3], openvino.Type.f32, name="state")
    body = openvino.Model(
        [ops.constant(np.array(True)), ops.multiply(state, ops.constant(np.float32(1.0)))],
        [state],
        "round",
    )
    loop = ops.loop(rounds, ops.constant(np.array(True)))
    loop.set_function(body)
    loop.set_special_body_ports([-1, 0])
    result = body.get_results()[1]
    loop.set_merged_input(state, means.output(0), result.output(0))
    answer = loop.get_iter_value(result.output(0), -1)
    graph = openvino.Model(
        [ops.multiply(answer, ops.constant(np.full(3, 0.1, np.float32)))], [pictures]
    )
    with tempfile.TemporaryDirectory() as folder:
        openvino.save_model(graph, Path(folder, OPENVINO_FILES[0]), compress_to_fp16=False)
        files: dict[str, bytes | Path] = {name: Path(folder, name) for name in OPENVINO_FILES}
        write_artefact(
            directory,
            kind=KIND,
            name="stuck",
            weights="trained",
            created_by={"tool": "test", "source": "made for a test"},
            files=files | {LABELS_FILE: orjson.dumps(LABELS)},
            details=SPEC.to_details(),
        )
    return directory
