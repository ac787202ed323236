"""The reference's way: Flask, one image a request, eager float32 torch, behind gunicorn sync."""

import os
from pathlib import Path
from typing import Any

import torch
from flask import Flask, jsonify, request
from safetensors.torch import load_file

from benchmarks.images_peers.common import MODEL_VARIABLE, THREADS_VARIABLE, from_base64
from scoring_server.images.architectures import build, with_input
from scoring_server.images.classifier import best
from scoring_server.images.commands.model import Model
from scoring_server.images.decode import decode
from scoring_server.images.spec import SAFETENSORS_FILE


def application() -> Flask:
    """The WSGI application."""
    torch.set_num_threads(int(os.environ[THREADS_VARIABLE]))
    model = Model.open(Path(os.environ[MODEL_VARIABLE]))
    network = build(model.spec.architecture, len(model.labels))
    network.load_state_dict(load_file(model.artefact.path(SAFETENSORS_FILE)))
    network = with_input(network, model.spec)
    app = Flask(__name__)

    @app.post("/score")
    def score() -> Any:
        answers = {}
        for name, text in request.get_json()["input"].items():
            picture = model.spec.preprocessing.apply(decode(from_base64(text)))
            with torch.no_grad():
                logits = network(torch.from_numpy(picture)[None])[0].numpy()
            answers[name] = [list(found) for found in best(logits, model.labels)]
        return jsonify({"result": [answers, "Computed in 0 ms"]})

    @app.get("/ready")
    def ready() -> str:
        return "ready"

    return app
