"""What FAQ matching is compared with; `benchmarks.faq_wsgi` serves it.

The reference: TF-IDF of the question and of the original, each by itself, and gradient-boosted
trees over every pair of the two. The plain pipeline: TF-IDF and logistic regression, as a data
scientist writes them down first. The constant: what Flask and gunicorn cost without a model.

The models are kept as pickles between the processes of one run; nothing else reads them.
"""

import json
import pickle
import random
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

Ranking = list[list[Any]]
# Pairs that do not match, for each that does.
_NEGATIVES = 20


class Peer(Protocol):
    """Ranks the originals for one question."""

    def rank(self, question: str) -> Ranking: ...


class Reference:
    """LightGBM over every pair of question and original, in one Pipeline as the reference has it.

    A pair is a row of two texts, and the Pipeline takes texts: for each question the originals
    are made into numbers anew.
    """

    def __init__(
        self, originals: Sequence[str], texts: Sequence[str], truth: Sequence[int], trees: int
    ) -> None:
        rng = random.Random(0)
        pairs, labels = [], []
        for text, original in zip(texts, truth, strict=True):
            others = [o for o in range(len(originals)) if o != original]
            asked = [original, *rng.sample(others, min(_NEGATIVES, len(others)))]
            pairs += [(text, originals[o]) for o in asked]
            labels += [int(o == original) for o in asked]
        vectoriser = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
        lightgbm = import_module("lightgbm")  # a dependency of this benchmark alone
        self._originals = list(originals)
        self._model = make_pipeline(
            make_column_transformer((clone(vectoriser), 0), (clone(vectoriser), 1)),
            lightgbm.LGBMClassifier(n_estimators=trees, random_state=0, verbose=-1),
        )
        self._model.fit(np.array(pairs, dtype=object), labels)

    def rank(self, question: str) -> Ranking:
        """All originals, best first."""
        pairs = np.array([(question, original) for original in self._originals], dtype=object)
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


def save(peer: Peer, folder: Path, name: str) -> Path:
    """Keep a peer for the server process of this run: a model as a pickle, a constant as JSON."""
    if isinstance(peer, Constant):
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"result": [peer.rank(""), "Computed in 0 ms"]}))
    else:
        path = folder / f"{name}.pickle"
        path.write_bytes(pickle.dumps(peer))
    return path
