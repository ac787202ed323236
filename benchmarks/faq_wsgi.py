"""The WSGI application of a peer, as one writes it down first.

A process that serves the constant loads nothing of scikit-learn.
"""

import os
import pickle
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

MODEL_VARIABLE = "FAQ_BENCHMARK_MODEL"


def application() -> Flask:
    """Serve what lies in the file that MODEL_VARIABLE names: a pickled peer, or a JSON answer."""
    path = Path(os.environ[MODEL_VARIABLE])
    app = Flask(__name__)
    if path.suffix == ".json":
        constant = path.read_bytes()

        @app.post("/score")
        def score() -> Any:
            return Response(constant, mimetype="application/json")

    else:
        peer = pickle.loads(path.read_bytes())  # noqa: S301 - written by this run

        @app.post("/score")
        def score() -> Any:
            ranking = peer.rank(request.get_json()["input"])
            return jsonify({"result": [ranking, "Computed in 0 ms"]})

    @app.get("/healthz/ready")
    def ready() -> Any:
        return jsonify({"status": "ready"})

    return app
