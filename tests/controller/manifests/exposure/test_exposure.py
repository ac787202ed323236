"""What is rendered for an exposure: by API, by certificate, and nothing besides."""

from typing import Any

import pytest

from scoring_operator.manifests import CHILD_KINDS, Platform, render
from scoring_operator.manifests.exposure import KINDS
from tests.controller.builders import service
from tests.controller.manifests.exposure.specs import (
    GATEWAY,
    HOST,
    ISSUED,
    by_ingress_class,
    rendered,
    spec,
)

_GATEWAY_GROUP = "gateway.networking.k8s.io"


def gateway(**exposure: Any) -> dict[str, Any]:
    return spec(**{"api": "Gateway", "gateway": GATEWAY, **exposure})


def section(name: str) -> dict[str, str]:
    return {
        "group": _GATEWAY_GROUP,
        "kind": "Gateway",
        "name": "public",
        "namespace": "infra",
        "sectionName": name,
    }


def test_nothing_is_exposed_unless_asked_for() -> None:
    assert rendered({}) == {}


@pytest.mark.parametrize(
    "of", [gateway(), by_ingress_class("traefik", tls=ISSUED, rateLimit={"requestsPerSecond": 1})]
)
def test_only_kinds_of_exposures_are_rendered_each_with_its_owner(of: dict[str, Any]) -> None:
    known = {(kind.api_version, kind.kind) for kind in CHILD_KINDS}
    for (kind, _), child in rendered(of).items():
        assert kind in KINDS
        assert (child["apiVersion"], kind) in known
        assert child["metadata"]["ownerReferences"][0]["uid"] == "0a1b"
        assert child["metadata"]["labels"]["scoring.dev/name"] == "faq"


def test_the_exposure_comes_after_the_deployment_and_its_certificate_first() -> None:
    kinds = [item["kind"] for item in render(service(spec(tls=ISSUED)), Platform())]
    assert kinds.index("Deployment") < kinds.index("Certificate") < kinds.index("Ingress")


def test_cert_manager_is_asked_for_the_hosts_certificate() -> None:
    found = rendered(spec(tls=ISSUED))
    assert found["Certificate", "faq"]["spec"] == {
        "secretName": "faq-tls",
        "dnsNames": [HOST],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "letsencrypt"},
    }
    # The annotation would have cert-manager make a second Certificate for the same Secret.
    assert "cert-manager.io" not in str(found["Ingress", "faq"])


def test_a_secret_of_the_users_needs_no_certificate() -> None:
    assert list(rendered(spec(tls={"secretName": "faq-tls"}))) == [("Ingress", "faq")]


def test_a_gateway_gets_a_route_that_serves_and_one_that_redirects_keeping_the_method() -> None:
    found = rendered(gateway(path="/faq/", requests={"timeoutSeconds": 60}))
    assert list(found) == [("HTTPRoute", "faq"), ("HTTPRoute", "faq-redirect")]
    matches = [{"path": {"type": "PathPrefix", "value": "/faq"}}]
    assert found["HTTPRoute", "faq"]["spec"] == {
        "parentRefs": [section("https")],
        "hostnames": [HOST],
        "rules": [
            {
                "matches": matches,
                "backendRefs": [
                    {"group": "", "kind": "Service", "name": "faq", "port": 80, "weight": 1}
                ],
                "timeouts": {"request": "65s"},
            }
        ],
    }
    redirect = {"scheme": "https", "statusCode": 308}
    assert found["HTTPRoute", "faq-redirect"]["spec"] == {
        "parentRefs": [section("http")],
        "hostnames": [HOST],
        "rules": [
            {
                "matches": matches,
                "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
            }
        ],
    }


def test_without_redirect_one_route_serves_both_listeners_of_the_gateway() -> None:
    settings = {**GATEWAY, "httpSection": "plain", "httpsSection": "secure"}
    found = rendered(gateway(gateway=settings, redirectToHTTPS=False))
    assert list(found) == [("HTTPRoute", "faq")]
    parents = found["HTTPRoute", "faq"]["spec"]["parentRefs"]
    assert parents == [section("secure"), section("plain")]


def test_a_gateway_in_the_services_own_namespace_is_named_without_it() -> None:
    found = rendered(gateway(gateway={"parentRef": {"name": "public"}}))
    (parent,) = found["HTTPRoute", "faq"]["spec"]["parentRefs"]
    assert "namespace" not in parent


def test_a_route_leads_to_the_services_port() -> None:
    found = rendered({**gateway(), "service": {"port": 8000}})
    (rule,) = found["HTTPRoute", "faq"]["spec"]["rules"]
    assert rule["backendRefs"][0]["port"] == 8000
