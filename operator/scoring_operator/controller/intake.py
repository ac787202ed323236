"""From what the watches report to keys on the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scoring_operator.api import KIND
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Change, Key, Store

# A roll-out reports in bursts (the Deployment, its pods, the Deployment again): one look at the
# end of a burst instead of one for each keeps the status writes few.
SETTLE_STATUS_SECONDS = 0.2
SETTLE_CHILD_SECONDS = 0.02


class Intake:
    """Takes in events and lists, and wakes those whom they concern."""

    def __init__(self, store: Store, queue: WorkQueue[Key]) -> None:
        self._store = store
        self._queue = queue

    def event(self, kind: str | None, obj: Mapping[str, Any]) -> None:
        """An event of a watch; `kind` is ADDED, MODIFIED, DELETED, or None for a listed object."""
        change, keys = self._store.remove(obj) if kind == "DELETED" else self._store.put(obj)
        if change is Change.NONE:
            return
        if obj.get("kind") == KIND:
            delay = 0.0
        elif change is Change.STATUS or obj.get("kind") == "Pod":
            delay = SETTLE_STATUS_SECONDS
        else:
            delay = SETTLE_CHILD_SECONDS
        for key in keys:
            self._queue.add_after(key, delay)

    def listed(
        self, kind: str, namespace: str | None, objects: Iterable[Mapping[str, Any]], version: str
    ) -> None:
        """A complete list of a kind, in one namespace or in all."""
        for key in self._store.replace(kind, namespace, objects, version):
            self._queue.add(key)
