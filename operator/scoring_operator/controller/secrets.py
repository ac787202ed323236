"""Which of the Secrets that pods need to pull their image are missing.

Asked only when an image cannot be pulled, and for the metadata alone: no value is ever read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from scoring_operator.kube import Client, Forbidden, NotFound, ResourceType

SECRETS = ResourceType("v1", "Secret", "secrets")
REMEMBER_SECONDS = 10.0  # pods that cannot pull an image change state every few seconds


class MissingSecrets:
    """Asks for Secrets, each at most every ten seconds."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, bool]] = {}

    async def among(self, namespace: str, names: Iterable[str]) -> list[str]:
        """Those of `names` that do not exist in the namespace."""
        now = self._clock()
        self._known = {place: answer for place, answer in self._known.items() if answer[0] > now}
        missing = []
        for name in names:
            place = (namespace, name)
            if place not in self._known:
                self._known[place] = (now + REMEMBER_SECONDS, await self._is_missing(*place))
            if self._known[place][1]:
                missing.append(name)
        return missing

    async def _is_missing(self, namespace: str, name: str) -> bool:
        try:
            await self._client.get(SECRETS, namespace, name, metadata_only=True)
        except NotFound:
            return True
        except Forbidden:
            return False  # whoever did not let us look at Secrets gets no statement about them
        return False
