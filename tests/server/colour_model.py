"""A tiny image model whose right answers are known: which of red, green and blue a picture is."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import openvino
import orjson
from openvino import opset13 as ops

from scoring_server.artefact import write_artefact
from scoring_server.images.preprocess import Preprocessing
from scoring_server.images.spec import KIND, LABELS_FILE, OPENVINO_FILES, ImageSpec

LABELS: Final = ("n00000001 red", "n00000002 green", "n00000003 blue")
SIZE: Final = 32
SPEC: Final = ImageSpec(
    architecture="mean-colour",
    preprocessing=Preprocessing("reference", SIZE, SIZE, "bicubic"),
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
)


def write_colour_model(
    directory: Path,
    *,
    name: str = "mean-colour",
    weights: str = "trained",
    labels: tuple[str, ...] = LABELS,
    channels: tuple[int, int, int] = (0, 1, 2),
    int8: bool = False,
) -> Path:
    """Write its artefact; the logits are the channels' means, 0 to 25.5, in the given order.

    With int8 it is called so; nothing in it is quantised.
    """
    pictures = ops.parameter([-1, SIZE, SIZE, 3], openvino.Type.u8, name="pictures")
    means = ops.reduce_mean(ops.convert(pictures, "f32"), [1, 2], keep_dims=False)
    ordered = ops.gather(means, ops.constant(np.array(channels)), ops.constant(1))
    graph = openvino.Model(
        [ops.multiply(ordered, ops.constant(np.full(3, 0.1, np.float32)))], [pictures]
    )
    with tempfile.TemporaryDirectory() as folder:
        openvino.save_model(graph, Path(folder, OPENVINO_FILES[0]), compress_to_fp16=False)
        files: dict[str, bytes | Path] = {name: Path(folder, name) for name in OPENVINO_FILES}
        write_artefact(
            directory,
            kind=KIND,
            name=name,
            weights=weights,
            created_by={"tool": "test", "source": "made for a test"},
            files=files | {LABELS_FILE: orjson.dumps(labels)},
            details=replace(SPEC, int8=int8).to_details(),
        )
    return directory
