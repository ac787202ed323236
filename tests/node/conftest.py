"""The product, installed once for the session, and a namespace for each test."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.deploy import chart
from tests.deploy.images import Images, build_and_load
from tests.deploy.target import Target
from tests.node.file_server import FileServer
from tests.node.namespace import Namespace

_numbers = count(1)


@dataclass(frozen=True)
class Product:
    """A cluster with the operator on it."""

    cluster: Cluster
    target: Target
    images: Images


@pytest.fixture(scope="session")
def product(node_cluster: Cluster) -> Iterator[Product]:
    """The operator, installed from its chart with the images built from this checkout."""
    if node_cluster.is_embedded:
        images = build_and_load(node_cluster.name)
        target = Target.of_embedded(node_cluster.name)
    else:
        if not {"OPERATOR_IMAGE", "SCORING_IMAGE"} <= set(os.environ):
            pytest.skip("needs OPERATOR_IMAGE and SCORING_IMAGE, which the cluster can pull")
        images = Images(os.environ["OPERATOR_IMAGE"], os.environ["SCORING_IMAGE"])
        environment = {**os.environ, "KUBECONFIG": str(node_cluster.kubeconfig)}
        target = Target(node_cluster.context, environment)
    chart.install(target, images)
    yield Product(node_cluster, target, images)
    if not node_cluster.is_embedded:
        chart.uninstall(target)


@pytest.fixture
def namespace(product: Product) -> Iterator[Namespace]:
    """A namespace that admits only pods of the Pod Security Standard `restricted`."""
    made = Namespace(product.target, f"test-{os.getpid()}-{next(_numbers)}")
    made.create()
    yield made
    made.delete()


@pytest.fixture
def file_server(product: Product, tmp_path: Path) -> Iterator[FileServer]:
    """Files of the test over HTTP, at an address that pods reach."""
    if product.cluster.host_address is None:
        pytest.skip("needs an address of this machine that the cluster's pods reach")
    with FileServer(product.cluster.host_address, tmp_path / "served") as server:
        yield server
