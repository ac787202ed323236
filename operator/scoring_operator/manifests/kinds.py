"""The kinds of object that a ScoringService may own."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ChildKind:
    """A kind of child, as the Kubernetes API addresses it."""

    api_version: str
    kind: str
    plural: str


CHILD_KINDS: Final = (
    ChildKind("apps/v1", "Deployment", "deployments"),
    ChildKind("v1", "Service", "services"),
)
