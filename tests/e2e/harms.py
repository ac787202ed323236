"""What strangers do to the operator's children."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.api import JSON_PATCH, PATHS, Api, Object

# What somebody does to a child: a merge patch of the spec, in which lists get an entry more.
EDITS: dict[str, Callable[[Object], Object]] = {
    "Deployment": lambda spec: {"template": _another_image(spec)},
    "Service": lambda spec: {"ports": [*spec["ports"], {"name": "more", "port": 9999}]},
    "HorizontalPodAutoscaler": lambda spec: {
        "maxReplicas": 99,
        "metrics": [*spec["metrics"], _memory_metric()],
    },
    "PodDisruptionBudget": lambda spec: {"maxUnavailable": None, "minAvailable": 2},
    "NetworkPolicy": lambda spec: {
        "ingress": [{**rule, "from": [*rule["from"], _everywhere()]} for rule in spec["ingress"]],
        "egress": [*spec["egress"], {"to": [_everywhere()]}],
    },
    "Ingress": lambda spec: {"rules": [*spec["rules"], {"host": "stranger.example.com"}]},
    "HTTPRoute": lambda spec: {"hostnames": [*spec["hostnames"], "stranger.example.com"]},
    "Certificate": lambda spec: {"dnsNames": [*spec["dnsNames"], "stranger.example.com"]},
    "PodMonitor": lambda spec: {
        "podMetricsEndpoints": [*spec["podMetricsEndpoints"], {"port": "a-strangers"}]
    },
    "Middleware": lambda spec: dict.fromkeys(spec),
}


def _another_image(spec: Object) -> Object:
    (container,) = spec["template"]["spec"]["containers"]
    changed = {**container, "image": "a-strangers:1"}
    changed["env"] = [
        {"name": item["name"], "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
        for item in container["env"]
    ]
    volumes = [
        {"name": item["name"], "configMap": {"name": "a-strangers"}}
        for item in spec["template"]["spec"]["volumes"]
    ]
    return {"spec": {"containers": [changed], "volumes": volumes}}


def _memory_metric() -> Object:
    target = {"type": "Utilization", "averageUtilization": 10}
    return {"type": "Resource", "resource": {"name": "memory", "target": target}}


def _everywhere() -> Object:
    return {"ipBlock": {"cidr": "0.0.0.0/0"}}


def edited(api: Api, namespace: str, child: Object) -> None:
    change = EDITS[child["kind"]](child["spec"])
    api.patch(child["kind"], namespace, child["metadata"]["name"], {"spec": change})


def deleted(api: Api, namespace: str, child: Object) -> None:
    api.delete(child["kind"], namespace, child["metadata"]["name"])


def without_labels(api: Api, namespace: str, child: Object) -> None:
    _remove(api, namespace, child, "/metadata/labels")


def without_owner(api: Api, namespace: str, child: Object) -> None:
    _remove(api, namespace, child, "/metadata/ownerReferences")


def without_annotations(api: Api, namespace: str, child: Object) -> None:
    _remove(api, namespace, child, "/metadata/annotations")


def with_another_port(api: Api, namespace: str, child: Object) -> None:
    field = {
        "Deployment": "template/spec/containers/0/ports/0/containerPort",
        "Service": "ports/0/port",
    }[child["kind"]]
    path = f"{PATHS[child['kind']].format(namespace)}/{child['metadata']['name']}"
    change = {"op": "replace", "path": f"/spec/{field}", "value": 9999}
    api.request("PATCH", path, [change], JSON_PATCH)


def _remove(api: Api, namespace: str, child: Object, field: str) -> None:
    path = f"{PATHS[child['kind']].format(namespace)}/{child['metadata']['name']}"
    api.request("PATCH", path, [{"op": "remove", "path": field}], JSON_PATCH)
