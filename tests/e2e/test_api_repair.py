"""Every kind of child, harmed in every way, is put right; and nothing is written that need not be.

Kinds of other software are defined without their controllers, and accept any field.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scoring_operator.api import LABEL_NAME
from scoring_operator.controller.children import CHILDREN
from tests.cluster.fixtures import Cluster
from tests.e2e.api import JSON_PATCH, PATHS, Api, Object, audited, call, eventually
from tests.e2e.conftest import Launch, clusterwide
from tests.e2e.crds import install, uninstall
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service

pytestmark = pytest.mark.api

OPTIONAL = ("HTTPRoute", "Certificate", "PodMonitor", "Middleware")
REPAIR_SECONDS = 0.5
HOST = "faq.example.com"

FULL: Object = {
    "autoscaling": {"minReplicas": 2, "maxReplicas": 4},
    "auth": {"apiKeys": {"secretName": "keys"}},
    "exposure": {
        "host": HOST,
        "tls": {"secretName": "faq-tls", "issuerRef": {"name": "ca"}},
        "ingress": {"className": "traefik"},
        "rateLimit": {"requestsPerSecond": 20},
    },
    "networkPolicy": {"from": [{"cidr": "10.0.0.0/8"}]},
}
GATEWAY: Object = {
    "replicas": 2,
    "exposure": {"api": "Gateway", "host": HOST, "gateway": {"parentRef": {"name": "public"}}},
}


@pytest.fixture(scope="module")
def all_kinds(api: Api) -> Iterator[None]:
    """The definitions of the optional kinds."""
    for kind in OPTIONAL:
        install(api, kind)
    yield
    for kind in OPTIONAL:
        uninstall(api, kind)


@pytest.fixture(scope="module")
def operator(
    api_cluster: Cluster, all_kinds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator that has all kinds from the start."""
    with clusterwide(api_cluster, tmp_path_factory) as process:
        yield process


def children(api: Api, namespace: str, kind: str) -> list[Object]:
    path = f"{PATHS[kind].format(namespace)}?labelSelector={LABEL_NAME}%3Dfaq"
    found: list[Object] = api.request("GET", path)["items"]
    return sorted(found, key=lambda child: str(child["metadata"]["name"]))


def serve(api: Api, namespace: str, operator: OperatorProcess, spec: Object) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"me": "0123456789abcdef"}}
    metadata = {"name": "keys", "namespace": namespace}
    api.request("POST", f"/api/v1/namespaces/{namespace}/secrets", {**secret, "metadata": metadata})
    api.apply(scoring_service(namespace, **spec))
    kinds = {"HTTPRoute"} if spec is GATEWAY else CHILDREN.keys() - {"HTTPRoute"}
    for kind in sorted(kinds):
        eventually(partial(children, api, namespace, kind), f"there is a {kind}")
    wait_for_quiet(operator)


def settle(api: Api, namespace: str, operator: OperatorProcess, spec: Object) -> None:
    """Serve, and wait for the HPA controller's word, which comes up to 15 s after the start."""
    serve(api, namespace, operator, spec)

    def told() -> bool:
        scalers = children(api, namespace, "HorizontalPodAutoscaler")
        return all(scaler.get("status", {}).get("conditions") for scaler in scalers)

    eventually(told, "the autoscaler has told its state", 30)
    wait_for_quiet(operator)


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


HARMS = [
    *((kind, harm) for kind in CHILDREN for harm in (edited, deleted, without_labels)),
    *((kind, harm) for kind in CHILDREN for harm in (without_owner, without_annotations)),
    *((kind, with_another_port) for kind in ("Deployment", "Service")),
]


@pytest.mark.parametrize(("kind", "harm"), HARMS)
def test_a_child_that_was_harmed_is_put_right_within_half_a_second(
    api: Api,
    namespace: str,
    operator: OperatorProcess,
    kind: str,
    harm: Callable[[Api, str, Object], None],
) -> None:
    serve(api, namespace, operator, GATEWAY if kind == "HTTPRoute" else FULL)
    before = children(api, namespace, kind)

    def repaired() -> bool:
        return list(map(_essence, children(api, namespace, kind))) == list(map(_essence, before))

    assert repaired()
    seconds = []
    for _ in range(3):  # the machine may be busy: the fastest tells what the operator needs
        wait_for_quiet(operator, 0.5)
        child = children(api, namespace, kind)[0]
        # A list leaves out what its items are.
        harm(api, namespace, {"kind": kind, **child})
        started = time.monotonic()
        eventually(repaired, f"the {kind} is as it was", 10, pause=0.005)
        seconds.append(time.monotonic() - started)
        if seconds[-1] <= REPAIR_SECONDS:
            return
    pytest.fail(f"took {seconds} s")


def _essence(child: Object) -> Any:
    """What the operator says of a child, and what others must not add to that."""
    spec = dict(child["spec"])
    for assigned in ("clusterIP", "clusterIPs"):  # of a Service that was made anew
        spec.pop(assigned, None)
    annotations = {
        key: value
        for key, value in child["metadata"].get("annotations", {}).items()
        if key != "deployment.kubernetes.io/revision"
    }
    kept = {key: child["metadata"].get(key) for key in ("name", "labels", "ownerReferences")}
    return kept, annotations, spec


@pytest.mark.parametrize("spec", [FULL, GATEWAY], ids=["Ingress", "Gateway"])
def test_a_settled_service_with_everything_costs_nothing_at_further_looks(
    api: Api,
    namespace: str,
    operator: OperatorProcess,
    audit_log: Path,
    spec: Object,
) -> None:
    settle(api, namespace, operator, spec)
    offset = audit_log.stat().st_size
    looks = operator.metric("scoring_operator_reconcile_total")
    api.patch("ScoringService", namespace, "faq", {"metadata": {"annotations": {"note": "1"}}})
    eventually(
        lambda: operator.metric("scoring_operator_reconcile_total") > looks, "it is looked at"
    )
    wait_for_quiet(operator)
    assert [call(event) for event in audited(audit_log, offset, namespace=namespace)] == []


@pytest.mark.usefixtures("all_kinds")
@pytest.mark.parametrize("spec", [FULL, GATEWAY], ids=["Ingress", "Gateway"])
def test_a_restart_with_everything_settled_writes_nothing(
    api: Api, namespace: str, launch: Launch, audit_log: Path, spec: Object
) -> None:
    operator = launch(namespace)
    settle(api, namespace, operator, spec)
    operator.stop()
    offset = audit_log.stat().st_size
    operator = launch(namespace)
    wait_for_quiet(operator)
    calls = {call(event) for event in audited(audit_log, offset, namespace=namespace)}
    keys = {"get secrets"} if "auth" in spec else set()
    assert {name for name in calls if not name.startswith("list ")} == keys
