"""Causes of trouble: each holds while its block is entered, and is gone after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.e2e.api import MERGE, Api, Object, Refused, eventually

Cause = Callable[[Api, str], AbstractContextManager[None]]

MIG = "nvidia.com/mig-1g.5gb"
NODE_LABEL = "scoring.dev/test-disk"

_POLICIES = "/apis/admissionregistration.k8s.io/v1"
_NODE = "/api/v1/nodes/fake-0"


@contextmanager
def quota(api: Api, namespace: str) -> Iterator[None]:
    """Room for one pod."""
    metadata = {"name": "small", "namespace": namespace}
    spec = {"hard": {"pods": "1"}}
    made = api.create(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}
    )
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/{made['metadata']['name']}"
    # Admission learns of it a moment after it can be read.
    probe: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}}
    probe["spec"] = {"containers": [{"name": "a", "image": "a"}]}
    pods = f"/api/v1/namespaces/{namespace}/pods"
    eventually(lambda: is_refused(api, pods, probe, "exceeded quota"), "it is in force")
    yield
    api.request("DELETE", path)


def policy(group: str, version: str, plural: str, expression: str, message: str) -> Cause:
    """A ValidatingAdmissionPolicy of the namespace over creates and updates of a kind."""

    @contextmanager
    def hold(api: Api, namespace: str) -> Iterator[None]:
        rule = {
            "apiGroups": [group],
            "apiVersions": [version],
            "operations": ["CREATE", "UPDATE"],
            "resources": [plural],
        }
        here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        spec: Object = {
            "matchConstraints": {"resourceRules": [rule], "namespaceSelector": here},
            "validations": [{"expression": expression, "message": message}],
        }
        binding = {"policyName": namespace, "validationActions": ["Deny"]}
        places = {
            f"{_POLICIES}/validatingadmissionpolicies": ("ValidatingAdmissionPolicy", spec),
            f"{_POLICIES}/validatingadmissionpolicybindings": (
                "ValidatingAdmissionPolicyBinding",
                binding,
            ),
        }
        for path, (kind, of) in places.items():
            body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind}
            api.request("POST", path, {**body, "metadata": {"name": namespace}, "spec": of})
        eventually(lambda: _is_denied(api, namespace, group, version, plural), "it is in force")
        yield
        for path in places:
            api.request("DELETE", f"{path}/{namespace}")

    return hold


def _is_denied(api: Api, namespace: str, group: str, version: str, plural: str) -> bool:
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    labels = {"matchLabels": {"a": "b"}}
    container = {"name": "a", "image": "denied:latest"}
    pod = {"containers": [container]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    body: Object = {
        "apiVersion": f"{group}/{version}".lstrip("/"),
        "kind": "Pod" if plural == "pods" else "Deployment",
        "metadata": {"name": "probe"},
        "spec": pod if plural == "pods" else {"selector": labels, "template": template},
    }
    path = f"{root}/namespaces/{namespace}/{plural}"
    return is_refused(api, path, body, "denied request")


def is_refused(api: Api, path: str, body: Object, words: str) -> bool:
    """Whether an object would be refused with these words; nothing is stored."""
    try:
        api.request("POST", f"{path}?dryRun=All", body)
    except Refused as refused:
        return words in str(refused)
    return False


@contextmanager
def no_priority_class(api: Api, namespace: str) -> Iterator[None]:
    """A PriorityClass, named like the namespace, that is not there."""
    yield
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    body = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1}
    api.request("POST", path, {**body, "metadata": {"name": namespace}})


@contextmanager
def no_mig(api: Api, namespace: str) -> Iterator[None]:
    """No node has a MIG slice."""
    yield
    capacity = {"capacity": {MIG: "2"}, "allocatable": {MIG: "2"}}
    api.request("PATCH", f"{_NODE}/status", {"status": capacity}, MERGE)


@contextmanager
def no_label(api: Api, namespace: str) -> Iterator[None]:
    """No node has the label, whose value is the namespace."""
    yield
    api.request("PATCH", _NODE, {"metadata": {"labels": {NODE_LABEL: namespace}}}, MERGE)


@contextmanager
def no_claim(api: Api, namespace: str) -> Iterator[None]:
    """No volume for the claim `models`."""
    yield
    size = {"storage": "1Gi"}
    volume = {"accessModes": ["ReadOnlyMany"], "capacity": size, "hostPath": {"path": "/models"}}
    claim = {
        "accessModes": ["ReadOnlyMany"],
        "storageClassName": "",
        "volumeName": namespace,
        "resources": {"requests": size},
    }
    places = {
        "/api/v1/persistentvolumes": ("PersistentVolume", namespace, volume),
        f"/api/v1/namespaces/{namespace}/persistentvolumeclaims": (
            "PersistentVolumeClaim",
            "models",
            claim,
        ),
    }
    for path, (kind, name, spec) in places.items():
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        api.request("POST", path, body)


def create_secret(api: Api, namespace: str, name: str) -> None:
    """A Secret with one key."""
    body = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"}}
    path = f"/api/v1/namespaces/{namespace}/secrets"
    api.request("POST", path, {**body, "metadata": {"name": name}})


@contextmanager
def foreign_autoscaler(api: Api, namespace: str) -> Iterator[None]:
    """Somebody's HorizontalPodAutoscaler has the name of the service's."""
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}
    body = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    spec = {"scaleTargetRef": target, "maxReplicas": 2}
    api.request("POST", path, {**body, "metadata": {"name": "faq"}, "spec": spec})
    yield
    api.request("DELETE", f"{path}/faq")
