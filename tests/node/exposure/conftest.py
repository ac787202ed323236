"""Traefik beside the cluster, a certificate authority, and a client outside."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.node.conftest import Product
from tests.node.exposure import crds, traefik
from tests.node.exposure.cert_manager import CertificateAuthority
from tests.node.exposure.https import Outside
from tests.node.namespace import Namespace


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """The test CA."""
    return CertificateAuthority(tmp_path_factory.mktemp("certificates") / "ca")


@pytest.fixture(scope="module")
def outside(
    request: pytest.FixtureRequest,
    product: Product,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Outside]:
    """A client outside, and Traefik in front of the cluster.

    A module that sets `CRDS` or `PROVIDERS` gets these besides Traefik's own. All CRDs go at its
    end: others test what is said where they are absent.
    """
    address = product.cluster.host_address
    if not product.cluster.is_embedded or address is None:
        pytest.skip("needs a cluster whose pods are routed from this machine")
    also: tuple[Callable[[], str], ...] = getattr(request.module, "CRDS", ())
    log = tmp_path_factory.mktemp("traefik") / "traefik.log"
    with contextlib.ExitStack() as stack:
        for manifests in (crds.traefik, *also):
            stack.enter_context(crds.installed(product.target, manifests()))
        product.target.run("kubectl", "apply", "--filename", "-", stdin=traefik.CLASSES)
        kubeconfig, providers = product.cluster.kubeconfig, getattr(request.module, "PROVIDERS", ())
        stack.enter_context(traefik.running(kubeconfig, address, log, providers))
        yield Outside(address, authority.certificate)


@pytest.fixture
def infra(product: Product) -> Iterator[Namespace]:
    """The namespace of the Gateway in the examples."""
    made = Namespace(product.target, "infra")
    made.create()
    yield made
    made.delete()
    made.target.run("kubectl", "wait", "--for=delete", "namespace/infra", "--timeout=240s")
