"""From what the watches report to keys on the queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from scoring_operator.api import KIND
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Change, Key, Store, place_of

# A roll-out reports in bursts (the Deployment, its pods, the Deployment again): one look at the
# end of a burst instead of one for each keeps the status writes few.
SETTLE_STATUS_SECONDS = 0.2
SETTLE_CHILD_SECONDS = 0.02


class Intake:
    """Takes in events and lists, and wakes those whom they concern."""

    def __init__(self, store: Store, queue: WorkQueue[Key]) -> None:
        self._store = store
        self._queue = queue

    def event(self, kind: str, obj: Mapping[str, Any]) -> None:
        """An event of a watch; `kind` is ADDED, MODIFIED or DELETED."""
        change, keys = self._store.remove(obj) if kind == "DELETED" else self._store.put(obj)
        self._wake(obj, change, keys)

    def listed(self, objects: Iterable[Mapping[str, Any]]) -> list[Key]:
        """A page of a list; the places of its objects, for the `sweep` after the last page."""
        places = []
        for obj in objects:
            self._wake(obj, *self._store.put(obj))
            places.append(place_of(obj))
        return places

    def sweep(
        self, kind: str, namespace: str | None, listed: Collection[Key], version: str
    ) -> None:
        """The list of a kind is complete: what is not on it is gone."""
        for key in self._store.sweep(kind, namespace, listed, version):
            self._queue.add(key)

    def _wake(self, obj: Mapping[str, Any], change: Change, keys: Iterable[Key]) -> None:
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
