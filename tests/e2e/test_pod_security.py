"""X1: Pod Security `restricted` admits the pods as they are, and none without a required field."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from tests.cluster import build
from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, Object, Refused
from tests.e2e.conftest import unused_namespace
from tests.e2e.test_chart import rendered
from tests.e2e.test_manifests_quality import CASES, manifests
from tests.reliability.figures import record

pytestmark = pytest.mark.api

# What `restricted` requires to be said. Either the pod or the container says the first two.
REQUIRED = ("runAsNonRoot", "seccompProfile", "allowPrivilegeEscalation", "capabilities")
# Objects that need not exist here: that they are found is shown in test_manifests_quality.
_REFERENCES = ("priorityClassName", "runtimeClassName", "serviceAccountName", "imagePullSecrets")


@pytest.fixture(scope="module")
def restricted(api: Api) -> Iterator[str]:
    """A namespace that admits `restricted` pods alone."""
    name = unused_namespace()
    api.create_namespace(name, {"pod-security.kubernetes.io/enforce": "restricted"})
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="module")
def specs(api_cluster: Cluster) -> dict[str, Object]:
    """The pods of all services, and the operator's own."""
    found = {case.name: manifests(case) for case in CASES}
    helm = str(build.ensure(build.HELM) / "helm")
    found["the operator"] = rendered(helm, "default")
    return {name: pod_of(documents) for name, documents in found.items()}


def pod_of(documents: list[Object]) -> Object:
    deployment = next(item for item in documents if item["kind"] == "Deployment")
    spec: Object = deployment["spec"]["template"]["spec"]
    return {key: value for key, value in spec.items() if key not in _REFERENCES}


def refusal(api: Api, namespace: str, spec: Object) -> str:
    """What the API server says against a pod; nothing is stored."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}
    try:
        api.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
    except Refused as refused:
        return str(refused)
    return ""


def containers(spec: Object) -> list[Object]:
    found: list[Object] = [*spec.get("initContainers", ()), *spec["containers"]]
    return found


def without(spec: Object, number: int, field: str) -> Object:
    """The pod with a container for which nothing says the field."""
    changed = copy.deepcopy(spec)
    container = containers(changed)[number]
    for context in (changed["securityContext"], container["securityContext"]):
        context.pop(field, None)
    for other in containers(changed):  # the others still say it themselves
        if other is not container and field in REQUIRED[:2]:
            other["securityContext"][field] = spec["securityContext"][field]
    return changed


def test_a_pod_without_a_required_field_is_refused(
    api: Api, restricted: str, specs: dict[str, Object]
) -> None:
    told = {name: refusal(api, restricted, spec) for name, spec in specs.items()}
    assert not any(told.values()), told
    tries = [
        (name, number, field)
        for name, spec in specs.items()
        for number in range(len(containers(spec)))
        for field in REQUIRED
    ]
    admitted = [
        (name, number, field)
        for name, number, field in tries
        if "PodSecurity"
        not in (refusal(api, restricted, without(specs[name], number, field)) or "")
    ]
    assert not admitted
    record("X1", "pods", f"{len(specs)} of {len(specs)} admitted")
    record("X1", "a required field removed", f"{len(tries)} of {len(tries)} refused")
