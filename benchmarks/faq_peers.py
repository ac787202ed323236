"""What FAQ matching is compared with, and the WSGI applications that serve it.

The reference: TF-IDF of the question and of the original, each by itself, and gradient-boosted
trees over every pair of the two. The plain pipeline: TF-IDF and logistic regression, as a data
scientist writes them down first. The constant: what Flask and gunicorn cost without a model.

The models are kept as pickles between the processes of one run; nothing else reads them.
"""

import json
import os
import pickle
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from flask import Flask, Response, jsonify, request
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

Ranking = list[list[Any]]
MODEL_VARIABLE = "FAQ_BENCHMARK_MODEL"
# Pairs that do not match, for each that does.
_NEGATIVES = 20


class Peer(Protocol):
    """Ranks the originals for one question."""

    def rank(self, question: str) -> Ranking: ...


class Reference:
    """TF-IDF of both sides and LightGBM over every pair: each original costs an evaluation."""

    def __init__(
        self, originals: Sequence[str], texts: Sequence[str], truth: Sequence[int], trees: int
    ) -> None:
        from lightgbm import LGBMClassifier  # a dependency of this benchmark alone

        rng = random.Random(0)
        pairs = []
        for row, original in enumerate(truth):
            others = [o for o in range(len(originals)) if o != original]
            pairs.append((row, original, 1))
            pairs += [(row, o, 0) for o in rng.sample(others, min(_NEGATIVES, len(others)))]
        self._question = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(texts)
        self._original = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(originals)
        self._originals = self._original.transform(originals)
        rows, asked, labels = map(np.array, zip(*pairs, strict=True))
        questions = self._question.transform(texts)
        self._model = LGBMClassifier(n_estimators=trees, random_state=0, verbose=-1)
        self._model.fit(sp.hstack([questions[rows], self._originals[asked]]).tocsr(), labels)

    def rank(self, question: str) -> Ranking:
        """All originals, best first."""
        count = self._originals.shape[0]
        repeated = self._question.transform([question] * count)
        pairs = sp.hstack([repeated, self._originals]).tocsr()
        return _ranked(self._model.predict_proba(pairs)[:, 1])


class Plain:
    """A scikit-learn Pipeline."""

    def __init__(
        self, originals: Sequence[str], texts: Sequence[str], truth: Sequence[int]
    ) -> None:
        self._model = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
            LogisticRegression(C=10, max_iter=200),
        )
        self._model.fit([*originals, *texts], [*range(len(originals)), *truth])

    def rank(self, question: str) -> Ranking:
        """All originals, best first."""
        return _ranked(self._model.predict_proba([question])[0])


class Constant:
    """The same answer to everything."""

    def __init__(self, originals: int) -> None:
        self._ranking = _ranked(np.linspace(1, 0, originals))

    def rank(self, question: str) -> Ranking:
        """Not a ranking of anything."""
        return self._ranking


def _ranked(probabilities: Any) -> Ranking:
    order = np.argsort(-probabilities, kind="stable").tolist()
    return [[i, i, float(probabilities[i])] for i in order]


def save(peer: Peer, path: Path) -> None:
    """Keep a peer for the server process of this run."""
    path.write_bytes(pickle.dumps(peer))


def application() -> Flask:
    """The WSGI application of the peer whose file MODEL_VARIABLE names."""
    peer: Peer = pickle.loads(Path(os.environ[MODEL_VARIABLE]).read_bytes())  # noqa: S301 - ours
    app = Flask(__name__)
    constant = json.dumps({"result": [peer.rank(""), "Computed in 0 ms"]}).encode()

    @app.post("/score")
    def score() -> Any:
        if isinstance(peer, Constant):
            return Response(constant, mimetype="application/json")
        return jsonify({"result": [peer.rank(request.get_json()["input"]), "Computed in 0 ms"]})

    @app.get("/healthz/ready")
    def ready() -> Any:
        return jsonify({"status": "ready"})

    return app
