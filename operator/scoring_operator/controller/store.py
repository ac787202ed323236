"""What the watches delivered: the resources, their children and their pods.

Views of a distributed system arrive late, twice and out of order. The store keeps the newest
version of each object (resource versions are comparable within a kind), never brings back what
was deleted, and drops what a new list no longer has.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from scoring_operator.api import KIND
from scoring_operator.controller.fingerprint import Fingerprint, fingerprint, status_bytes
from scoring_operator.controller.hosts import HostClaims
from scoring_operator.controller.objects import holds_replicas, metadata, owner_name, owner_uid
from scoring_operator.status.conditions import find

Key = tuple[str, str]
"""Namespace and name of a ScoringService."""

_TOMBSTONES = 10_000


class Change(enum.Enum):
    """What an event changed in the store."""

    NONE = enum.auto()
    STATUS = enum.auto()  # only what the object reports
    ESSENCE = enum.auto()  # what is asked for, labels, owners; also: it is new, or gone


class Child(NamedTuple):
    """A child, or a pod, as last seen."""

    object: dict[str, Any]
    uid: str
    version: str
    owner: str | None
    """The uid of the ScoringService that it belongs to; None for a stranger with our label."""
    essence: bytes
    replicas_held: bool = False
    """Whether our second field manager has a say in the replicas (see `handover`)."""


def child_of(obj: Mapping[str, Any]) -> Child:
    """An object that was read or written just now, as the store would know it."""
    printed, meta = fingerprint(obj), metadata(obj)
    uid, version = str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))
    essence, held = printed.essence, holds_replicas(obj)
    return Child(printed.object(), uid, version, owner_uid(obj), essence, held)


class _Entry(NamedTuple):
    uid: str
    version: str
    owner: str | None
    key: Key
    print: Fingerprint
    replicas_held: bool


class Store:
    """The newest known version of each object, by kind, namespace and name."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[Key, _Entry]] = {}
        self._members: dict[Key, set[tuple[str, str]]] = {}  # resource -> (kind, name)
        self._hosts = HostClaims()
        self._expected: dict[Key, bytes] = {}
        self._reasons: dict[Key, str] = {}
        self._gone: OrderedDict[str, str] = OrderedDict()  # uid -> the version that ended it
        self._floors: dict[tuple[str, str | None], int] = {}  # versions of the latest lists

    def put(self, obj: Mapping[str, Any]) -> tuple[Change, set[Key]]:
        """Take in a version of an object; what changed, and for which resources."""
        kind, place = str(obj["kind"]), place_of(obj)
        meta = metadata(obj)
        uid, version = str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))
        before = self._entries.get(kind, {}).get(place)
        if self._outdated(kind, place, before, uid, version):
            return Change.NONE, set()
        entry = self._entry(kind, place, obj, uid, version)
        if entry is None:  # it has lost every sign of a resource that it could belong to
            return self._drop(kind, place)
        self._entries.setdefault(kind, {})[place] = entry
        if kind == KIND:
            conditions = (obj.get("status") or {}).get("conditions") or ()
            self._reasons[place] = str(find(conditions, "Ready").get("reason", ""))
        else:
            if before is not None and before.key != entry.key:
                self._leave(before.key, kind, place[1])
            self._members.setdefault(entry.key, set()).add((kind, place[1]))
        change = self._compare(kind, before, entry)
        if change is Change.NONE:
            return change, set()
        keys = {entry.key} if before is None else {before.key, entry.key}
        return change, keys | self._hosts.update(place, obj) if kind == KIND else keys

    def learn(self, obj: Mapping[str, Any]) -> Child:
        """Take in an object that was read or written just now; the child that it is."""
        self.put(obj)
        kind, place, meta = str(obj["kind"]), place_of(obj), metadata(obj)
        entry = self._entries.get(kind, {}).get(place)
        if entry is None or (entry.uid, entry.version) != (meta["uid"], meta["resourceVersion"]):
            return child_of(obj)  # more is known by now, or it is nobody's any more
        return self._child(kind, place)

    def remove(self, obj: Mapping[str, Any]) -> tuple[Change, set[Key]]:
        """The object is gone, or no longer carries the label that we watch."""
        kind, place = str(obj["kind"]), place_of(obj)
        meta = metadata(obj)
        uid, version = str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))
        before = self._entries.get(kind, {}).get(place)
        self._bury(uid, version)
        if before is None or before.uid != uid or _older(version, before.version):
            return Change.NONE, set()
        return self._drop(kind, place)

    def evict(self, kind: str, namespace: str, name: str) -> None:
        """Forget what was known of a child: it is to be read before the next write."""
        self._drop(kind, (namespace, name))

    def sweep(
        self, kind: str, namespace: str | None, listed: Collection[Key], version: str
    ) -> set[Key]:
        """Drop what a complete list of a kind did not have; the resources concerned.

        `listed` are the places (namespace and name) of the list's objects, each of which has been
        put; `namespace` None stands for all of them; `version` is the list's own. A watch that had
        to start anew does not say what vanished meanwhile: the list does.
        """
        concerned: set[Key] = set()
        for place, entry in list(self._entries.get(kind, {}).items()):
            inside = namespace is None or place[0] == namespace
            if inside and place not in listed and not _older(version, entry.version):
                concerned |= self._drop(kind, place)[1]
        if version.isdigit():
            self._floors[kind, namespace] = int(version)
        return concerned

    def forget(self, kind: str) -> None:
        """Drop all that is known of a kind, which is no longer watched."""
        for place in list(self._entries.get(kind, ())):
            self._drop(kind, place)
        for floor in [floor for floor in self._floors if floor[0] == kind]:
            del self._floors[floor]

    def resource(self, key: Key) -> dict[str, Any] | None:
        """A ScoringService as last seen, with its resourceVersion."""
        entry = self._entries.get(KIND, {}).get(key)
        if entry is None:
            return None
        found = entry.print.object()
        found["metadata"]["resourceVersion"] = entry.version
        return found

    def keys(self) -> list[Key]:
        """All ScoringServices."""
        return list(self._entries.get(KIND, {}))

    def host_owner(self, key: Key) -> Key | None:
        """Another ScoringService that has the host and path that this one asks for."""
        return self._hosts.owner(key)

    def reasons(self) -> Collection[str]:
        """The reason of the Ready condition of each ScoringService that has one, else nothing."""
        return self._reasons.values()

    def children(self, key: Key) -> dict[tuple[str, str], Child]:
        """What says that it is part of a ScoringService, but for its pods; by (kind, name)."""
        return {
            (kind, name): self._child(kind, (key[0], name))
            for kind, name in sorted(self._members.get(key, ()))
            if kind != "Pod"
        }

    def pods(self, key: Key) -> list[dict[str, Any]]:
        """The pods that carry a ScoringService's label."""
        return [
            self._child(kind, (key[0], name)).object
            for kind, name in sorted(self._members.get(key, ()))
            if kind == "Pod"
        ]

    def expect_status(self, key: Key, status: Mapping[str, Any]) -> None:
        """We are about to write this status: seeing it is no news."""
        self._expected[key] = status_bytes(status)

    def _child(self, kind: str, place: Key) -> Child:
        entry = self._entries[kind][place]
        essence, held = entry.print.essence, entry.replicas_held
        return Child(entry.print.object(), entry.uid, entry.version, entry.owner, essence, held)

    def _entry(
        self, kind: str, place: Key, obj: Mapping[str, Any], uid: str, version: str
    ) -> _Entry | None:
        if kind == KIND:
            return _Entry(uid, version, None, place, fingerprint(obj), False)
        name = owner_name(obj)
        if name is None:
            return None
        key, held = (place[0], name), holds_replicas(obj)
        return _Entry(uid, version, owner_uid(obj), key, fingerprint(obj), held)

    def _outdated(
        self, kind: str, place: Key, before: _Entry | None, uid: str, version: str
    ) -> bool:
        if uid in self._gone and not _older(self._gone[uid], version):
            return True
        if before is not None:
            return before.version == version or _older(version, before.version)
        floor = self._floors.get((kind, place[0]), self._floors.get((kind, None)))
        return floor is not None and version.isdigit() and int(version) <= floor

    def _compare(self, kind: str, before: _Entry | None, after: _Entry) -> Change:
        if before is None or (before.uid, before.owner) != (after.uid, after.owner):
            return Change.ESSENCE
        if before.print.essence != after.print.essence:
            return Change.ESSENCE
        if before.print.status == after.print.status:
            return Change.NONE
        if kind == KIND and self._expected.get(after.key) == after.print.status:
            return Change.NONE
        return Change.STATUS

    def _drop(self, kind: str, place: Key) -> tuple[Change, set[Key]]:
        entry = self._entries.get(kind, {}).pop(place, None)
        if entry is None:
            return Change.NONE, set()
        if kind == KIND:
            self._expected.pop(place, None)
            self._reasons.pop(place, None)
            return Change.ESSENCE, {place} | self._hosts.update(place, None)
        self._leave(entry.key, kind, place[1])
        return Change.ESSENCE, {entry.key}

    def _leave(self, key: Key, kind: str, name: str) -> None:
        members = self._members[key]
        members.discard((kind, name))
        if not members:
            del self._members[key]

    def _bury(self, uid: str, version: str) -> None:
        # By version, for an object that only lost its label may carry it again later.
        self._gone[uid] = version
        if len(self._gone) > _TOMBSTONES:
            self._gone.popitem(last=False)


def place_of(obj: Mapping[str, Any]) -> Key:
    """The object's namespace and name."""
    meta = metadata(obj)
    return str(meta.get("namespace", "")), str(meta.get("name", ""))


def _older(version: str, than: str) -> bool:
    """Whether a resource version is older; versions that are no numbers are never called older."""
    return version.isdigit() and than.isdigit() and int(version) < int(than)
