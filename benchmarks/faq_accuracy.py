"""Accuracy of FAQ matching on public data: the mean over several seeds.

    python -m benchmarks.faq_accuracy

The seed draws the originals and duplicates, and is the one of the training. Prints Markdown. "No
match" is measured with every fourth original and its duplicates taken out. Needs the public test
data (SCORING_TEST_DATA); takes about five minutes for five seeds.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from scoring_server.faq.data import read_originals, read_questions
from scoring_server.faq.metrics import auroc, ranking_metrics, ranks_of
from scoring_server.faq.training.estimator import FaqMatcher
from tests.datasets import FaqFiles, data_directory, write_banking77, write_covidq

_Write = Callable[[Path, int], FaqFiles]
_LEFT_OUT = 1 / 4


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=_splits(), nargs="*", default=list(_splits()))
    options = parser.parse_args(arguments)
    if data_directory() is None:
        parser.error("the public test data is not there: set SCORING_TEST_DATA")
    print(f"Mean over {options.seeds} seeds, from 0 on; in brackets the standard deviation.\n")
    print("| | Acc@1 | Acc@2 | Acc@3 | MRR | mean rank | ECE | no-match AUROC |")
    print("|" + " --- |" * 8)
    for name in options.only:
        measured = []
        for seed in range(options.seeds):
            print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                measured.append(measure(_splits()[name](Path(folder), seed), seed))
        mean, deviation = np.mean(measured, axis=0), np.std(measured, axis=0)
        cells = [f"{m:.3f} ({d:.3f})" for m, d in zip(mean, deviation, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def measure(files: FaqFiles, seed: int) -> list[float]:
    """Acc@1, @2, @3, MRR, mean rank, ECE and the no-match AUROC of one FAQ."""
    originals = read_originals(files.originals)
    duplicates = read_questions(files.duplicates, originals.ids)
    test = read_questions(files.test, originals.ids)
    count = len(originals.ids)
    texts = [*originals.texts, *duplicates.texts]
    groups = np.array([*range(count), *duplicates.originals], dtype=np.intp)
    is_original = np.arange(len(texts)) < count
    truth = np.array(test.originals, dtype=np.intp)

    matcher = FaqMatcher(random_state=seed).fit(texts, groups, is_original)
    probabilities = softmax(matcher.decision_function(test.texts), axis=1)
    ranking = ranking_metrics(ranks_of(probabilities, truth), probabilities.max(axis=1))

    order = np.random.default_rng(seed).permutation(count)
    left_out = order[: int(count * _LEFT_OUT)]
    kept = np.flatnonzero(~np.isin(groups, left_out))
    matcher = FaqMatcher(random_state=seed)
    matcher.fit([texts[i] for i in kept], groups[kept], is_original[kept])
    none: NDArray[np.float64] = matcher.none_proba(test.texts)
    unanswered = np.isin(truth, left_out)
    return [
        *ranking.accuracy,
        ranking.mrr,
        ranking.mean_rank,
        ranking.ece,
        auroc(none[unanswered], none[~unanswered]),
    ]


def _splits() -> dict[str, _Write]:
    splits: dict[str, _Write] = {
        f"BANKING77, {name} duplicates": partial(_banking77, count)
        for name, count in (("3", 3), ("5", 5), ("all", None))
    }
    return {**splits, "COVID-Q, train3": write_covidq}


def _banking77(duplicates: int | None, out: Path, seed: int) -> FaqFiles:
    return write_banking77(out, duplicates, seed)


if __name__ == "__main__":
    main()
