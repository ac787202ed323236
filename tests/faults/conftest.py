"""Trials on the control plane without nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api
from tests.e2e.conftest import install_crd, unused_namespace
from tests.faults.trial import Trial

NewTrial = Callable[[], Trial]


@pytest.fixture(scope="session")
def api(api_cluster: Cluster) -> Api:
    """The control plane, with the CRD."""
    client = Api(api_cluster.kubeconfig)
    install_crd(client)
    return client


@pytest.fixture
def new_trial(api: Api, api_cluster: Cluster, tmp_path: Path) -> Iterator[NewTrial]:
    """Make trials in namespaces of their own, which go with the test."""
    namespaces: list[str] = []

    def make() -> Trial:
        name = unused_namespace()
        api.create_namespace(name)
        namespaces.append(name)
        folder = tmp_path / name
        folder.mkdir()
        return Trial(api, api_cluster.kubeconfig, folder, name)

    yield make
    for name in namespaces:
        api.request("DELETE", f"/api/v1/namespaces/{name}")
