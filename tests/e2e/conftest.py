"""The CRD, namespaces, and an operator for the tests of a module."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scoring_operator.api.crd import custom_resource_definition
from tests.cluster.fixtures import Cluster
from tests.e2e.api import APPLY, Api, eventually
from tests.e2e.process import OperatorProcess

_numbers = itertools.count(1)


def install_crd(api: Api) -> None:
    """Install the CRD and wait until it is served."""
    crd: dict[str, Any] = custom_resource_definition()
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd['metadata']['name']}"
    api.request("PATCH", f"{path}?fieldManager=tests&force=true", crd, APPLY)

    def established() -> bool:
        conditions = api.request("GET", path).get("status", {}).get("conditions") or ()
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    eventually(established, "the CRD is established")


@pytest.fixture(scope="module")
def api(api_cluster: Cluster) -> Api:
    """The control plane without nodes, with the CRD."""
    client = Api(api_cluster.kubeconfig)
    install_crd(client)
    return client


@pytest.fixture
def namespace(api: Api) -> Iterator[str]:
    """A namespace of the test's own."""
    name = unused_namespace()
    api.create_namespace(name)
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


def unused_namespace() -> str:
    """A name that no other test, nor another run, uses."""
    return f"e2e-{os.getpid()}-{next(_numbers)}"


@pytest.fixture(scope="module")
def operator(
    api: Api, api_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator that serves the whole cluster, for the tests of a module."""
    with clusterwide(api_cluster, tmp_path_factory) as process:
        yield process


def clusterwide(cluster: Cluster, folders: pytest.TempPathFactory) -> OperatorProcess:
    """An operator for a whole cluster, to be entered."""
    log = folders.mktemp("operator") / "log"
    return OperatorProcess(cluster.kubeconfig, log, "--all-namespaces", "--no-leader-election")


Launch = Callable[..., OperatorProcess]


@pytest.fixture
def launch(api_cluster: Cluster, api: Api, tmp_path: Path) -> Iterator[Launch]:
    """Start operators that serve one namespace, or all (None); they end with the test."""
    started: list[OperatorProcess] = []

    def start(namespace: str | None, *arguments: str) -> OperatorProcess:
        log = tmp_path / f"operator-{len(started)}.log"
        election = () if "--lease-name" in arguments else ("--no-leader-election",)
        scope = ("--namespace", namespace) if namespace else ("--all-namespaces",)
        process = OperatorProcess(api_cluster.kubeconfig, log, *scope, *election, *arguments)
        started.append(process)
        return process.__enter__()

    yield start
    for process in started:
        process.__exit__(None, None, None)


@pytest.fixture
def audit_log(api_cluster: Cluster) -> Path:
    """The audit log of the embedded API server."""
    if api_cluster.audit_log is None:
        pytest.skip("needs the audit log, which the named cluster does not show")
    return api_cluster.audit_log


@pytest.fixture(scope="module")
def fake_api(fake_cluster: Cluster) -> Api:
    """Two simulated nodes with two GPUs each."""
    client = Api(fake_cluster.kubeconfig)
    install_crd(client)
    return client


@pytest.fixture(scope="module")
def fake_operator(
    fake_api: Api, fake_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator that serves the whole cluster with simulated nodes."""
    with clusterwide(fake_cluster, tmp_path_factory) as process:
        yield process


@pytest.fixture
def space(fake_api: Api, fake_operator: OperatorProcess) -> Iterator[str]:
    """A namespace that the operator serves; empty again after the test, for GPUs are few."""
    name = unused_namespace()
    fake_api.create_namespace(name)
    yield name
    for resource in fake_api.list("ScoringService", name):
        fake_api.delete("ScoringService", name, resource["metadata"]["name"])
    eventually(lambda: fake_api.list("Pod", name) == [], "the pods are gone", 180, pause=0.1)
