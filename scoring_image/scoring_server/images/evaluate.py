"""How often a model is right on images whose file or folder names carry their class."""

import re
from collections.abc import Iterable, Sequence, Set
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


def class_key(label: str) -> str:
    """What files and folders call a class: the WordNet id that its label begins with, or it all."""
    match = _WORDNET_ID.match(label)
    return match[0] if match else label


def class_of(path: Path, keys: Set[str]) -> str | None:
    """The class that a path carries: n02127052_lynx.jpg, n02127052/1.jpg, lynx/1.jpg, lynx_1.jpg.

    Args:
        keys: of the model's labels; see class_key.
    """
    found = wordnet_id(path)
    if found in keys:
        return found
    words = path.stem.split("_")
    names = [path.parent.name, *("_".join(words[:n]) for n in range(len(words), 0, -1))]
    return next((name for name in names if name in keys), found)


def wordnet_id(path: Path) -> str | None:
    """What a file's or its folder's name begins with, such as n02127052."""
    match = _WORDNET_ID.match(path.name) or _WORDNET_ID.match(path.parent.name)
    return match[0] if match else None


def find_images(directory: Path, labels: Iterable[str] = ()) -> list[Path]:
    """The images below a directory whose paths carry their class, in a stable order."""
    keys = {class_key(label) for label in labels}
    return sorted(
        path
        for path in directory.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and class_of(path, keys)
    )


def judge(answers: Iterable[tuple[str, Sequence[Prediction]]]) -> Accuracy:
    """Count right answers.

    Args:
        answers: the right class, see class_of, and the predictions, best first, of each image.
    """
    images = top1 = top3 = 0
    for truth, predictions in answers:
        found = [class_key(prediction.label) for prediction in predictions]
        images += 1
        top1 += found[:1] == [truth]
        top3 += truth in found[:3]
    return Accuracy(images, top1, top3)
