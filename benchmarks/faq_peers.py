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
import scipy.sparse as sp
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
    """TF-IDF of both sides and LightGBM over every pair: each original costs an evaluation."""

    def __init__(
        self, originals: Sequence[str], texts: Sequence[str], truth: Sequence[int], trees: int
    ) -> None:
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
        lightgbm = import_module("lightgbm")  # a dependency of this benchmark alone
        self._model = lightgbm.LGBMClassifier(n_estimators=trees, random_state=0, verbose=-1)
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


def save(peer: Peer, folder: Path, name: str) -> Path:
    """Keep a peer for the server process of this run: a model as a pickle, a constant as JSON."""
    if isinstance(peer, Constant):
        path = folder / f"{name}.json"
        path.write_text(json.dumps({"result": [peer.rank(""), "Computed in 0 ms"]}))
    else:
        path = folder / f"{name}.pickle"
        path.write_bytes(pickle.dumps(peer))
    return path
