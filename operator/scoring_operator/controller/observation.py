"""From what is known of a resource's surroundings to the status that it should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.controller.applicable import missed
from scoring_operator.controller.children import Outcome
from scoring_operator.controller.model_probe import ModelProbe
from scoring_operator.controller.secrets import KnownSecrets, MissingSecrets, required_secrets
from scoring_operator.controller.store import Key, Store
from scoring_operator.manifests import Platform
from scoring_operator.manifests.secrets import pull_secrets
from scoring_operator.status import Observed, Summary, summarize, unseen
from scoring_operator.status.conditions import find
from scoring_operator.status.reasons import Reason


class Observer:
    """Gathers what `summarize` goes by."""

    def __init__(
        self, store: Store, platform: Platform, models: ModelProbe, secrets: MissingSecrets
    ) -> None:
        self._store = store
        self._platform = platform
        self._models = models
        self._secrets = secrets

    def unseen(self, service: ScoringService, now: datetime) -> dict[str, Any]:
        """What the status of a new resource says before its children are written."""
        key = (service.metadata.namespace, service.metadata.name)
        return unseen(service, self._platform, Observed(host_owner=self.host_owner(key)), now)

    async def summary(
        self,
        service: ScoringService,
        status: Mapping[str, Any],
        outcome: Outcome,
        known: KnownSecrets,
        now: datetime,
    ) -> Summary:
        """The status that should follow `status`, after the writes of `outcome`."""
        uid, key = service.metadata.uid, (service.metadata.namespace, service.metadata.name)
        pods = self._store.pods(key)
        missing = await self._secrets.among(service, required_secrets(service), known)
        observed = Observed(
            children={
                name: child.object for name, child in outcome.children.items() if child.owner == uid
            },
            pods=pods,
            refusals=outcome.refusals,
            missing_secrets=missing,
            absent_kinds=[*outcome.absent_kinds, *missed(sorted(outcome.unserved))],
            host_owner=self.host_owner(key),
            model=self._models.model(key, pods),
        )
        summary = summarize(service, self._platform, observed, status, now)
        ready = find(summary.status.get("conditions") or (), "Ready")
        if ready.get("reason") != Reason.IMAGE_PULL_FAILED:
            return summary
        # Only now do these matter: most registries are public, and most Secrets are there.
        wanted = pull_secrets(service.spec, self._platform)
        more = await self._secrets.among(service, wanted, known)
        if not more:
            return summary
        observed = replace(observed, missing_secrets=[*missing, *more])
        return summarize(service, self._platform, observed, status, now)

    def host_owner(self, key: Key) -> str | None:
        """The ScoringService that has the host and path of this one, as namespace/name."""
        owner = self._store.host_owner(key)
        return None if owner is None else "/".join(owner)
