"""CRDs of Gateway API, Traefik and cert-manager: installed for a while, then removed."""

import contextlib
import json
from collections.abc import Iterator

from tests.deploy.target import Target
from tests.node.exposure.downloads import CERT_MANAGER, GATEWAY_API, TRAEFIK, module_files

_GATEWAY_KINDS = (
    "backendtlspolicies",
    "gatewayclasses",
    "gateways",
    "grpcroutes",
    "httproutes",
    "listenersets",
    "referencegrants",
    "tcproutes",
    "tlsroutes",
    "udproutes",
)


def gateway_api() -> str:
    """The CRDs of the Gateway API's standard channel."""
    group = "gateway.networking.k8s.io"
    paths = (f"config/crd/standard/{group}_{kind}.yaml" for kind in _GATEWAY_KINDS)
    return module_files(GATEWAY_API, paths)


def traefik() -> str:
    """Traefik's CRDs."""
    folder = "docs/content/reference/dynamic-configuration"
    return module_files(TRAEFIK, [f"{folder}/kubernetes-crd-definition-v1.yml"])


def cert_manager() -> str:
    """The CRD of cert-manager's Certificate."""
    return module_files(CERT_MANAGER, ["deploy/crds/cert-manager.io_certificates.yaml"])


@contextlib.contextmanager
def installed(target: Target, manifests: str) -> Iterator[None]:
    """CRDs while the body runs; with them go all objects of their kinds."""
    apply = ("kubectl", "apply", "--server-side", "--filename", "-", "--output", "json")
    made = json.loads(target.run(*apply, stdin=manifests))
    names = [item["metadata"]["name"] for item in made.get("items", [made])]
    try:
        crds = [f"customresourcedefinition/{name}" for name in names]
        target.run("kubectl", "wait", "--for=condition=Established", "--timeout=180s", *crds)
        yield
    finally:
        target.run("kubectl", "delete", "--timeout=180s", "customresourcedefinition", *names)
