"""What users add to the pods."""

from typing import Any

from tests.controller.manifests.leaves.children import at, env, pod, template
from tests.controller.manifests.leaves.row import Row


def added(**settings: Any) -> dict[str, Any]:
    return {"podTemplate": settings}


_SECRET_KEY = {"name": "s", "key": "k", "optional": True}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_TERM = {
    "matchExpressions": [{"key": "gpu", "operator": "In", "values": ["a", "b"]}],
    "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}],
}
_SELECTOR = {
    "matchLabels": {"a": "b"},
    "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}],
}
_PODS = {
    "topologyKey": "kubernetes.io/hostname",
    "labelSelector": _SELECTOR,
    "namespaceSelector": _SELECTOR,
    "namespaces": ["ml"],
}
# Empty selects every namespace, absent selects the pod's own.
_EVERYWHERE = {"podAntiAffinity": {_REQUIRED: [{**_PODS, "namespaceSelector": {}}]}}
_BOTH = {
    _REQUIRED: [_PODS],
    _PREFERRED: [{"weight": 5, "podAffinityTerm": _PODS}],
}
_TOLERATION = {
    "key": "a",
    "operator": "Equal",
    "value": "b",
    "effect": "NoExecute",
    "tolerationSeconds": 5,
}
AFFINITY = {
    "nodeAffinity": {
        _REQUIRED: {"nodeSelectorTerms": [_TERM]},
        _PREFERRED: [{"weight": 7, "preference": _TERM}],
    },
    "podAffinity": _BOTH,
    "podAntiAffinity": _BOTH,
}

PODS = [
    Row(
        "podTemplate.labels",
        added(labels={"team": "ml"}),
        lambda c: template(c)["metadata"]["labels"]["team"],
        "ml",
    ),
    Row(
        "podTemplate.annotations",
        added(annotations={"a/b": "c"}),
        lambda c: template(c)["metadata"]["annotations"],
        {"a/b": "c"},
    ),
    *(
        Row(
            f"podTemplate.env[].{leaf}",
            added(env=[{"name": "A", "value": "1"}]),
            lambda c: env(c)["A"],
            "1",
        )
        for leaf in ("name", "value")
    ),
    *(
        Row(
            f"podTemplate.env[].valueFrom.{reference}.{leaf}",
            added(env=[{"name": "A", "valueFrom": {reference: _SECRET_KEY}}]),
            at(env, "A", reference, leaf),
            value,
        )
        for reference in ("secretKeyRef", "configMapKeyRef")
        for leaf, value in _SECRET_KEY.items()
    ),
    Row(
        "podTemplate.nodeSelector",
        added(nodeSelector={"pool": "a"}),
        lambda c: pod(c)["nodeSelector"],
        {"pool": "a"},
    ),
    Row(
        "podTemplate.priorityClassName",
        added(priorityClassName="high"),
        lambda c: pod(c)["priorityClassName"],
        "high",
    ),
    Row(
        "podTemplate.runtimeClassName",
        added(runtimeClassName="nvidia"),
        lambda c: pod(c)["runtimeClassName"],
        "nvidia",
    ),
    Row(
        "podTemplate.serviceAccountName",
        added(serviceAccountName="scorer"),
        lambda c: (pod(c)["serviceAccountName"], pod(c)["automountServiceAccountToken"]),
        ("scorer", False),
    ),
    *(
        Row(
            f"podTemplate.tolerations[].{leaf}",
            added(tolerations=[_TOLERATION]),
            at(pod, "tolerations", 0, leaf),
            value,
        )
        for leaf, value in _TOLERATION.items()
    ),
    *(
        Row(
            "podTemplate.affinity", added(affinity=affinity), lambda c: pod(c)["affinity"], affinity
        )
        for affinity in (AFFINITY, _EVERYWHERE)
    ),
]
