"""How often a model is right on images whose file names carry their class."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scoring_server.images.classifier import Prediction

_WORDNET_ID: Final = re.compile(r"n\d{8}")
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True)
class Accuracy:
    """Counts over a set of images.

    Attributes:
        images: how many were judged.
        top1, top3: for how many the right label was first, or among the first three.
    """

    images: int
    top1: int
    top3: int


def wordnet_id(path: Path) -> str | None:
    """The class that a file's or its folder's name carries, such as n02127052."""
    match = _WORDNET_ID.match(path.name) or _WORDNET_ID.match(path.parent.name)
    return match[0] if match else None


def find_images(directory: Path) -> list[Path]:
    """The images below a directory whose names carry their class, in a stable order."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and wordnet_id(path)
    )


def judge(answers: Iterable[tuple[str, Sequence[Prediction]]]) -> Accuracy:
    """Count right answers.

    Args:
        answers: the right WordNet id and the predictions, best first, of each image.
    """
    images = top1 = top3 = 0
    for truth, predictions in answers:
        found = [prediction.label.split(" ", 1)[0] for prediction in predictions]
        images += 1
        top1 += found[:1] == [truth]
        top3 += truth in found[:3]
    return Accuracy(images, top1, top3)
