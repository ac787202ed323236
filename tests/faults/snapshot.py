"""The end state of a namespace, and how two of them differ.

What differs between two runs without faults (names of pods, times) is no fault: the mask is
learned from such runs, never written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from scoring_operator.api import API_VERSION, KIND, LABEL_NAME, PLURAL
from scoring_operator.controller.drift import MANIFEST_HASH
from scoring_operator.manifests import CHILD_KINDS
from tests.e2e.api import Api, Object, Refused

State = dict[str, Any]
"""Values by path: `Deployment/faq.spec.replicas`."""

_PATHS = {kind.kind: (kind.api_version, kind.plural) for kind in CHILD_KINDS}
_PATHS[KIND] = (API_VERSION, PLURAL)

# Parts of the status that follow from the spec alone.
_FROM_SPEC = ("status.effective.", "status.image", "status.selector", "status.url")
# What the API server allots, the count of templates, and a hash of the manifest, in which the
# namespace counts.
_INCIDENTAL = (
    "spec.clusterIP",
    "nodePort",
    "healthCheckNodePort",
    "deployment.kubernetes.io/revision",
    MANIFEST_HASH,
)


# What tells of the way and not of the end. The Deployment controller's account of how a roll-out
# went: `Progressing` names the step that it happened to see last (NewReplicaSetCreated or
# ReplicaSetUpdated, with all else equal). Our own last failure, which is kept when it is over: an
# injected refusal is one.
_DIARIES = {"Deployment": "conditions", KIND: "lastFailure"}


def objects(api: Api, namespace: str) -> Iterator[Object]:
    """The ScoringServices and all children in a namespace."""
    for kind, (version, plural) in _PATHS.items():
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            found = api.request("GET", f"{root}/namespaces/{namespace}/{plural}")
        except (Refused, ValueError):  # a kind that this API server does not serve
            continue
        for item in found["items"]:
            yield {"kind": kind, **item}


def snapshots(api: Api, namespace: str, names: Iterable[str]) -> dict[str, State]:
    """Each ScoringService and its children, but for versions and uids; with fields' owners."""
    found = list(objects(api, namespace))
    return {name: _state(namespace, name, _of(found, name)) for name in names}


def _of(found: Iterable[Object], name: str) -> list[Object]:
    """The objects of one ScoringService."""
    return [
        item
        for item in found
        if item["metadata"]["name"] == name
        or (item["metadata"].get("labels") or {}).get(LABEL_NAME) == name
    ]


def _state(namespace: str, name: str, found: list[Object]) -> State:
    state: State = {}
    uids = {item["metadata"]["uid"]: f"uid of {item['kind']}" for item in found}
    for original in found:
        metadata, item = original["metadata"], dict(original)
        diary = _DIARIES.get(item["kind"], "")
        item["metadata"] = {
            **{key: metadata.get(key) for key in ("name", "labels", "annotations")},
            "ownerReferences": metadata.get("ownerReferences"),
            "deleting": "deletionTimestamp" in metadata,
            "managers": sorted(
                _ownership(entry, diary) for entry in metadata.get("managedFields") or ()
            ),
        }
        item["status"] = _without(item.get("status") or {}, diary)
        text = json.dumps(item).replace(namespace, "the-namespace").replace(name, "the-name")
        for uid, title in uids.items():
            text = text.replace(uid, title)
        state.update(_flat(json.loads(text), _title(item, name)))
    return state


def learn_mask(first: State, second: State) -> set[str]:
    """Paths that differ between two runs without faults."""
    return {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}


def differences(found: State, wanted: State, mask: Set[str]) -> list[str]:
    """What is not as it should be, in words."""
    return [
        f"{path}: {found.get(path, 'absent')!r} instead of {wanted.get(path, 'absent')!r}"
        for path in sorted((found.keys() | wanted.keys()) - mask)
        if found.get(path, None) != wanted.get(path, None)
    ]


def _title(item: Object, name: str) -> str:
    return f"{item['kind']}/{item['metadata']['name'].replace(name, 'the-name')}"


def _ownership(entry: Object, diary: str) -> str:
    kept = {key: entry.get(key) for key in ("manager", "operation", "subresource", "fieldsV1")}
    fields = dict(kept["fieldsV1"] or {})
    if "f:status" in fields:
        fields["f:status"] = _without(fields["f:status"], f"f:{diary}")
    return json.dumps({**kept, "fieldsV1": fields}, sort_keys=True)


def _without(value: Mapping[str, Any], key: str) -> Object:
    return {name: item for name, item in value.items() if name != key}


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{index}]")
    elif value is not None:
        yield path, value


def essence(state: State) -> State:
    """What must not depend on how a resource came to its spec.

    All that is asked for, and the operator's own field ownership; of the status what follows from
    the spec alone. Left out are generations, the progress of roll-outs, what other controllers
    report, and their ownership.
    """
    found: State = {}
    for path, value in state.items():
        kind, _, field = path.partition(".")
        if field.startswith("metadata.managers["):
            if '"scoring-operator' in value and '"subresource": null' in value:
                found.setdefault(f"{kind}.managers", []).append(value)
        elif field.startswith("status."):
            if kind.startswith(KIND) and field.startswith(_FROM_SPEC):
                found[path] = value
        elif not any(part in field for part in _INCIDENTAL):
            found[path] = value
    return found
