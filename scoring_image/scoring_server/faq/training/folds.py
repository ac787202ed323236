"""Which texts are held out together."""

import numpy as np
from numpy.typing import NDArray


def duplicate_folds(
    groups: NDArray[np.intp],
    is_original: NDArray[np.bool_],
    folds: int,
    rng: np.random.Generator,
) -> list[NDArray[np.intp]]:
    """Split the duplicates, each original's as evenly as possible; originals are never held out.

    Args:
        groups: the original of each text, numbered from 0, shape (texts,).
        is_original: which texts are the originals themselves, shape (texts,).
        folds: how many parts at most; an empty one is dropped.

    Returns:
        The indices of the texts of each part, in ascending order.
    """
    fold = np.full(len(groups), -1)
    for group in range(int(groups.max()) + 1):
        members = np.flatnonzero((groups == group) & ~is_original)
        rng.shuffle(members)
        fold[members] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return [part for f in range(folds) if len(part := np.flatnonzero(fold == f))]


def original_folds(originals: int, folds: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Split the originals; none of the parts is empty or holds all of them."""
    parts = min(folds, originals)
    if parts < 2:
        return []
    order = rng.permutation(originals)
    return [np.sort(order[part::parts]) for part in range(parts)]
