"""Which of a resource's manifests can be applied in this cluster, now. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scoring_operator.controller.plan import Manifest, Name
from scoring_operator.controller.store import Child
from scoring_operator.manifests import CHILD_KINDS
from scoring_operator.manifests.exposure import KINDS as EXPOSURE_KINDS

REQUIRED_KINDS: Final = frozenset(kind.kind for kind in CHILD_KINDS if not kind.optional)
# What a cluster without these kinds loses is a convenience: nobody need be told.
_DISPENSABLE: Final = frozenset({"PodMonitor", "Middleware"})


@dataclass(frozen=True)
class Applicable:
    """The manifests to apply, the children to compare them with, and what is missing for more."""

    manifests: list[Manifest]
    children: dict[Name, Child]
    absent_kinds: tuple[str, ...] = ()
    """Kinds that the resource needs and the API server does not serve."""


def applicable(
    manifests: Sequence[Manifest],
    children: Mapping[Name, Child],
    served: Container[str],
    *,
    contested: bool,
) -> Applicable:
    """Leave out what the API server does not serve, and the exposure of a `contested` host.

    On a contested host the children that exist are left as they are: neither changed nor deleted.
    """
    absent = {manifest["kind"]: None for manifest in manifests if manifest["kind"] not in served}
    hidden = EXPOSURE_KINDS if contested else frozenset()
    return Applicable(
        manifests=[
            manifest
            for manifest in manifests
            if manifest["kind"] not in absent and manifest["kind"] not in hidden
        ],
        children={name: child for name, child in children.items() if name[0] not in hidden},
        absent_kinds=tuple(missed(absent)),
    )


def missed(kinds: Iterable[str]) -> list[str]:
    """Those of the kinds whose absence the user is to be told."""
    return [kind for kind in kinds if kind not in _DISPENSABLE]
