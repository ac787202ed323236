"""Specs of exposed services, and what is rendered of them."""

from collections.abc import Mapping
from typing import Any

from scoring_operator.manifests import Platform
from scoring_operator.manifests.exposure import exposure
from tests.controller.builders import service

HOST = "faq.example.com"
TLS = {"secretName": "faq-tls"}
ISSUED = {**TLS, "issuerRef": {"kind": "ClusterIssuer", "name": "letsencrypt"}}
GATEWAY = {"parentRef": {"name": "public", "namespace": "infra"}}


def spec(requests: Mapping[str, Any] | None = None, **exposure: Any) -> dict[str, Any]:
    """A spec with an exposure, and `requestLimits` where given."""
    limits = {"requestLimits": requests} if requests else {}
    return {"exposure": {"host": HOST, **exposure}, **limits}


def by_ingress_class(name: str | None, **rest: Any) -> dict[str, Any]:
    """A spec with an Ingress of a class, and annotations of the user's."""
    annotations = rest.pop("annotations", {})
    settings = {"annotations": annotations, **({"className": name} if name else {})}
    return spec(**{"tls": TLS, "ingress": settings, **rest})


def rendered(
    of: Mapping[str, Any], platform: Platform | None = None
) -> dict[tuple[str, str], dict[str, Any]]:
    """The exposure's manifests by kind and name."""
    manifests = exposure(service(of), platform or Platform())
    return {(item["kind"], item["metadata"]["name"]): item for item in manifests}


def annotations(of: Mapping[str, Any], name: str = "faq") -> dict[str, str]:
    """The annotations of an Ingress."""
    found: dict[str, str] = rendered(of)["Ingress", name]["metadata"].get("annotations", {})
    return found
