"""The whole training of a model: from data files to an artefact."""

import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from scoring_server.artefact import Manifest
from scoring_server.faq.data import read_answers, read_originals, read_questions, sha256_of
from scoring_server.faq.embedding_files import read_embeddings
from scoring_server.faq.metrics import auroc, ranking_metrics, ranks_of
from scoring_server.faq.model_files import write_model
from scoring_server.faq.text import same_text_key
from scoring_server.faq.trade_off import at_threshold, default_threshold
from scoring_server.faq.training.estimator import FaqMatcher, HeldOut
from scoring_server.faq.training.export import serving_form

# Of the estimator's parameters: the one is not about the model, the other told by its digest.
_NO_PROVENANCE = frozenset({"progress", "embeddings"})


@dataclass(frozen=True)
class Trained:
    """What came out of training.

    Attributes:
        manifest: of the artefact.
        duplicates: how many duplicates the model learned from.
        metrics: measured on held-out questions; empty where there are no duplicates.
        without_answer: how many originals have no answer in the file of answers, if there is one.
        ambiguous: how many texts stand for several originals, which no model can tell apart.
    """

    manifest: Manifest
    duplicates: int
    metrics: dict[str, Any]
    without_answer: int
    ambiguous: int


def train(
    originals_file: Path,
    duplicates_file: Path,
    directory: Path,
    *,
    answers_file: Path | None = None,
    embeddings: Path | None = None,
    name: str,
    seed: int,
    none_threshold: float | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Trained:
    """Train a model and write its artefact; the same files and seed give the same bytes.

    Args:
        originals_file, duplicates_file, answers_file: as in `scoring_server.faq.data`.
        directory: where the artefact goes.
        embeddings: an artefact of embeddings to compare meanings with.
        name: of the model.
        seed: of everything that is drawn by chance.
        none_threshold: from this probability of none on a question counts as unanswered; None: as
            `default_threshold` says of held-out questions.
        progress: as in FaqMatcher.

    Raises:
        DataError: a file is not as it should be.
        ModelLoadError: there is no valid artefact of embeddings.
        OSError: a file cannot be read or the artefact not be written.
    """
    originals = read_originals(originals_file)
    duplicates = read_questions(duplicates_file, originals.ids)
    answers = {} if answers_file is None else read_answers(answers_file, originals.answer_ids)
    count = len(originals.ids)
    table, source = (None, None) if embeddings is None else read_embeddings(embeddings)
    matcher = FaqMatcher(random_state=seed, embeddings=table, progress=progress)
    texts = [*originals.texts, *duplicates.texts]
    asked = [*range(count), *duplicates.originals]
    matcher.fit(
        texts,
        asked,
        is_original=np.arange(count + len(duplicates.texts)) < count,
    )
    held_out = matcher.held_out_
    if none_threshold is None:
        none_threshold = default_threshold(held_out.none_if_answered[held_out.right])
    metrics = _metrics(held_out, none_threshold)
    created_by: dict[str, Any] = {
        "tool": "scoring-faq",
        "version": version("scoring-server"),
        "libraries": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("numpy", "scipy", "scikit-learn")},
        },
        "parameters": {
            key: value for key, value in matcher.get_params().items() if key not in _NO_PROVENANCE
        },
        "weights": asdict(matcher.weights_),
        "data": {
            "originals": {"rows": count, "sha256": sha256_of(originals_file)},
            "duplicates": {"rows": len(duplicates.texts), "sha256": sha256_of(duplicates_file)},
        },
    }
    if source is not None:
        encoder = source.manifest.created_by.get("encoder")
        created_by["data"]["embeddings"] = {"digest": source.digest, "encoder": encoder}
    if answers_file is not None:
        created_by["data"]["answers"] = {"rows": len(answers), "sha256": sha256_of(answers_file)}
    model = serving_form(matcher, originals)
    manifest = write_model(
        directory,
        replace(model, answers=answers, none=replace(model.none, threshold=none_threshold)),
        name=name,
        created_by=created_by,
        metrics=metrics,
    )
    without = 0 if answers_file is None else sum(a not in answers for a in originals.answer_ids)
    pairs = {(same_text_key(text), original) for text, original in zip(texts, asked, strict=True)}
    ambiguous = sum(times > 1 for times in Counter(text for text, _ in pairs).values())
    return Trained(manifest, len(duplicates.texts), metrics, without, ambiguous)


def _metrics(held_out: HeldOut, none_threshold: float) -> dict[str, Any]:
    """Metrics of held-out questions; the calibration was fitted on them, so its error flatters."""
    metrics: dict[str, Any] = {}
    if len(held_out.truth):
        measured = ranking_metrics(
            ranks_of(held_out.probabilities, held_out.truth), held_out.probabilities.max(axis=1)
        )
        metrics["heldOutDuplicates"] = measured.questions
        for k, accuracy in enumerate(measured.accuracy, start=1):
            metrics[f"accuracyAt{k}"] = round(accuracy, 4)
        metrics["meanReciprocalRank"] = round(measured.mrr, 4)
        metrics["expectedCalibrationError"] = round(measured.ece, 4)
    if len(held_out.none_if_answered) and len(held_out.none_if_unanswered):
        area = auroc(held_out.none_if_unanswered, held_out.none_if_answered)
        metrics["noneAuroc"] = round(area, 4)
    none = at_threshold(
        none_threshold, held_out.none_if_answered, held_out.right, held_out.none_if_unanswered
    )
    metrics |= {
        name: round(share, 4)
        for name, share in (
            ("refusedOfAnswered", none.refused),
            ("refusedOfAnsweredRight", none.refused_right),
            ("letThroughOfUnanswered", none.let_through),
        )
        if share is not None
    }
    return metrics
