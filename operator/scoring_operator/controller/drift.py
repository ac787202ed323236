"""Does a live object still say what its manifest says?

The manifest's hash, kept as an annotation on the object, tells that nothing was taken out of the
manifest since it was applied; the comparison of the fields tells that nobody has changed them. The
live object may hold more than the manifest: defaults, and fields that others own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring_operator.api import GROUP
from scoring_operator.controller.fingerprint import canonical
from scoring_operator.controller.objects import OWNER_UID

MANIFEST_HASH = f"{GROUP}/manifest-hash"

# Lists that the API treats as maps, by field name; each tuple of keys is tried where it is whole.
# From the listMapKeys of Kubernetes' OpenAPI schema (x-kubernetes-list-map-keys).
_MERGE_KEYS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "containers": (("name",),),
    "env": (("name",),),
    "imagePullSecrets": (("name",),),
    "initContainers": (("name",),),
    "ownerReferences": (("uid",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "volumeMounts": (("mountPath",),),
    "volumes": (("name",),),
}
# Maps that are owned as a whole (x-kubernetes-map-type: atomic there): one key more is another map.
_ATOMIC_MAPS: Final = frozenset(
    {"labelSelector", "matchLabels", "namespaceSelector", "nodeSelector", "podSelector", "selector"}
)
# Lists that hold nothing but ours. An edited port is another item to server-side apply,
# which would put ours beside it, under the same name: the API server refuses that.
_EXCLUSIVE: Final = frozenset({"ports"})
# Of some members an object may have one only. A stranger's would stay beside ours in an apply, and
# the API server refuses that; our own is what the manifest has.
_RIVALS: Final[Mapping[str, frozenset[str]]] = {
    "httpGet": frozenset({"exec", "grpc", "tcpSocket"}),
    "maxUnavailable": frozenset({"minAvailable"}),
    "sleep": frozenset({"exec", "httpGet", "tcpSocket"}),
    "value": frozenset({"valueFrom"}),
    "valueFrom": frozenset({"value"}),
}
# Lists of items that have, besides their name, one member of many kinds.
_SOURCES: Final = frozenset({"volumes"})
_DEFAULTS: Final[Mapping[str, Any]] = {"protocol": "TCP"}


def stamp(manifest: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """The manifest with its hash and its owner's uid as annotations."""
    digest = hashlib.sha256(canonical(manifest)).hexdigest()[:32]
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), MANIFEST_HASH: digest, OWNER_UID: owner}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """The hash that a stamped manifest carries."""
    return str(manifest["metadata"]["annotations"][MANIFEST_HASH])


def difference(live: Any, wanted: Any, path: str = "") -> str | None:
    """The path of the first field of `wanted` that `live` does not have so; None if it has all."""
    found = _differs(live, wanted, path.rpartition(".")[2])
    return None if found is None else (path + found).lstrip(".") or "."


# Every look compares every child: paths are made only where there is something to tell, and JSON's
# own types are asked for, which costs a tenth of asking for abstract ones.
def _differs(live: Any, wanted: Any, field: str) -> str | None:
    """As `difference`, below a field of this name."""
    if isinstance(wanted, dict):
        return _in_map(live, wanted, field)
    if isinstance(wanted, list):
        return _in_list(live, wanted, field)
    same = live == wanted and isinstance(live, bool) == isinstance(wanted, bool)
    return None if same else ""


def _in_map(live: Any, wanted: dict[str, Any], field: str) -> str | None:
    if not isinstance(live, dict):
        return ""
    if field in _ATOMIC_MAPS and live.keys() != wanted.keys():
        return ""
    for key, value in wanted.items():
        if key not in live:
            return f".{key}"
        found = _differs(live[key], value, key)
        if found is not None:
            return f".{key}{found}"
    return None


def _in_list(live: Any, wanted: list[Any], field: str) -> str | None:
    if not isinstance(live, list):
        return ""
    keys = _merge_keys(field, wanted)
    if keys is None:  # an atomic list: the same items in the same order
        if len(live) != len(wanted):
            return ""
        for index, (item, other) in enumerate(zip(live, wanted, strict=True)):
            found = _differs(item, other, "")
            if found is not None:
                return f"[{index}]{found}"
        return None
    if field in _EXCLUSIVE and len(live) > len(wanted):
        return ""
    by_key = {_identity(item, keys): item for item in live if isinstance(item, dict)}
    for item in wanted:
        identity = _identity(item, keys)
        found = _differs(by_key.get(identity), item, "")
        if found is not None:
            return f"[{'/'.join(map(str, identity))}]{found}"
    return None


def without_strangers(live: Any, wanted: Any, path: str = "") -> Any:
    """`live` without what others put where only ours can be, and all else as it is."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return _without_rivals(live, wanted, path)
    keys = _merge_keys(path.rpartition(".")[2], wanted) if isinstance(wanted, list) else None
    if keys is None or not isinstance(live, list):
        return live
    by_key = {_identity(item, keys): item for item in wanted}
    if _exclusive(path):
        known = {_identity(item, keys): item for item in live}
        # What the server added to an item, such as a node port, stays with it.
        return [{**known.get(identity, {}), **item} for identity, item in by_key.items()]
    return [without_strangers(item, by_key.get(_identity(item, keys)), path) for item in live]


def _without_rivals(live: Mapping[str, Any], wanted: Mapping[str, Any], path: str) -> Any:
    others = live.keys() - wanted.keys()
    if others and path.rpartition(".")[2] in _SOURCES:
        return dict(wanted)
    kept = {
        key: without_strangers(value, wanted[key], f"{path}.{key}") if key in wanted else value
        for key, value in live.items()
    }
    for key in wanted:
        rivals = _RIVALS.get(key, frozenset()) & others
        for rival in rivals:
            del kept[rival]
        if rivals:  # with neither the object may be invalid, or get a default
            kept[key] = wanted[key]
    return kept


def _exclusive(path: str) -> bool:
    return path.rpartition(".")[2] in _EXCLUSIVE


def _merge_keys(field: str, items: Sequence[Any]) -> tuple[str, ...] | None:
    for keys in _MERGE_KEYS.get(field, ()):
        if all(isinstance(item, Mapping) and keys[0] in item for item in items):
            return keys
    return None


def _identity(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item.get(key, _DEFAULTS.get(key)) for key in keys)
