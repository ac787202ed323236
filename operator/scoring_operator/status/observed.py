"""What a look at the cluster saw of one ScoringService."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scoring_operator.status.reasons import Reason


@dataclass(frozen=True)
class Refusal:
    """A child that could not be applied, and why."""

    kind: str
    name: str
    reason: Reason
    message: str


@dataclass(frozen=True)
class Observed:
    """The children and pods as they are.

    `children` holds only objects that the service owns, by (kind, name). `model` is what a ready
    pod says of its model (the `model` object of its `/version`), None where none could be asked.
    `absent_kinds` are kinds that the service needs and the API server does not serve.
    `missing_secrets` are those of the Secrets that the spec and the operator's defaults name.
    `host_owner` is another ScoringService (namespace/name) that has this one's host and path.
    """

    children: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    pods: Sequence[Mapping[str, Any]] = ()
    refusals: Sequence[Refusal] = ()
    missing_secrets: Sequence[str] = ()
    absent_kinds: Sequence[str] = ()
    host_owner: str | None = None
    model: Mapping[str, Any] | None = None
