"""A row of the table."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.controller.manifests.leaves.children import Children


@dataclass(frozen=True)
class Row:
    """A leaf, a spec that sets it, where a look at the children finds it, and what it finds."""

    leaf: str
    spec: Mapping[str, Any]
    look: Callable[[Children], Any]
    expected: Any
    name: str = ""


def identified(rows: Sequence[Row]) -> list[Row]:
    """The rows with a name each: the leaf, and a number where a leaf has several rows."""
    seen: Counter[str] = Counter()
    named = []
    for row in rows:
        seen[row.leaf] += 1
        number = f" ({seen[row.leaf]})" if seen[row.leaf] > 1 else ""
        named.append(replace(row, name=f"{row.leaf}{number}"))
    return named
