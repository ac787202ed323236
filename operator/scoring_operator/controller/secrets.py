"""Which of the Secrets that a service needs are missing.

Asked for the metadata alone: no value is ever read. There is no watch on Secrets, which would bring
all of their values into the operator's memory.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scoring_operator.api import ScoringService
from scoring_operator.kube import Client, Forbidden, NotFound, ResourceType
from scoring_operator.manifests import secrets

SECRETS = ResourceType("v1", "Secret", "secrets")
# Whoever waits for a Secret looks again every 30 s; one that is there is asked for at the slow
# resync, which comes after 540 s at the earliest.
ASK_MISSING_SECONDS = 29.0
ASK_FOUND_SECONDS = 530.0


@dataclass
class KnownSecrets:
    """The answers about the Secrets of one resource, at one generation."""

    generation: int = 0
    answers: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """When each Secret was asked for, and whether it was missing."""


class MissingSecrets:
    """Asks for Secrets, seldom."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock

    async def among(
        self, service: ScoringService, names: Sequence[str], known: KnownSecrets
    ) -> list[str]:
        """Those of `names` that do not exist in the service's namespace; `known` is updated."""
        if known.generation != service.metadata.generation:
            known.generation = service.metadata.generation
            known.answers.clear()
        now = self._clock()
        due = [name for name in names if _is_due(known.answers.get(name), now)]
        namespace = service.metadata.namespace
        found = await asyncio.gather(*(self._is_missing(namespace, name) for name in due))
        known.answers |= {name: (now, gone) for name, gone in zip(due, found, strict=True)}
        return [name for name in names if known.answers[name][1]]

    async def _is_missing(self, namespace: str, name: str) -> bool:
        try:
            await self._client.get(SECRETS, namespace, name, metadata_only=True)
        except NotFound:
            return True
        except Forbidden:
            return False  # whoever did not let us look at Secrets gets no statement about them
        return False


def required_secrets(service: ScoringService) -> list[str]:
    """The Secrets without which the service cannot do what its spec says; not those for pulling."""
    return list(dict.fromkeys(name for _, name in secrets.required_secrets(service.spec)))


def _is_due(answer: tuple[float, bool] | None, now: float) -> bool:
    if answer is None:
        return True
    asked_at, missing = answer
    return now - asked_at >= (ASK_MISSING_SECONDS if missing else ASK_FOUND_SECONDS)
