"""How FAQ matching grows with the number of originals."""

import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from scoring_server.faq.model import Originals
from scoring_server.faq.model_files import write_model
from scoring_server.faq.serving import load
from scoring_server.faq.training.estimator import FaqMatcher
from scoring_server.faq.training.export import serving_form

_TOP = 3


def measure(
    count: int, texts: Sequence[str], questions: Sequence[str], folder: Path
) -> dict[str, float]:
    """Train on so many originals and ask one question at a time.

    Args:
        count: how many originals; each is a text with a third of its words changed.
        texts: to make them of.
        questions: to ask.
        folder: for the artefact.
    """
    originals = make_originals(count, texts)
    started = time.perf_counter()
    matcher = FaqMatcher(folds=2).fit(originals, range(count))
    training = time.perf_counter() - started
    ids = list(range(count))
    model = serving_form(matcher, Originals([*ids], [*ids], originals))
    write_model(folder, model, name="scaling", created_by={}, metrics={})
    loads, latencies = [], []
    for _ in range(3):
        started = time.perf_counter()
        ranker = load(folder)
        loads.append(time.perf_counter() - started)
    for question in questions:
        started = time.perf_counter()
        ranker.rank([question], top=_TOP)
        latencies.append(time.perf_counter() - started)
    return {
        "originals": count,
        "trainingSeconds": training,
        "artefactMegabytes": sum(f.stat().st_size for f in folder.iterdir()) / 1e6,
        "loadMilliseconds": min(loads) * 1e3,
        "p50Milliseconds": statistics.median(latencies) * 1e3,
        "p99Milliseconds": statistics.quantiles(latencies, n=100)[98] * 1e3,
    }


def make_originals(count: int, texts: Sequence[str]) -> list[str]:
    """Texts like the given ones: each has a third of its words drawn from all of them."""
    rng = random.Random(0)
    split = [text.split() for text in texts]
    words = [word for text in split for word in text]
    originals = []
    for _ in range(count):
        made = list(rng.choice(split))
        for _ in range(max(2, len(made) // 3)):
            made[rng.randrange(len(made))] = rng.choice(words)
        originals.append(" ".join(made))
    return originals
