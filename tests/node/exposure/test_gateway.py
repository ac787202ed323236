"""HTTPRoutes on a Gateway of Traefik's answer over HTTPS, redirect, and are told truly."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.node.conftest import Product
from tests.node.exposure import crds, traefik
from tests.node.exposure.audit import applies
from tests.node.exposure.cert_manager import CertificateAuthority
from tests.node.exposure.https import Outside
from tests.node.exposure.questions import ask, is_ranking, padded, reached
from tests.node.namespace import Namespace, available, poll

pytestmark = pytest.mark.node

CRDS = (crds.gateway_api,)
PROVIDERS = (traefik.GATEWAY_PROVIDER,)
EXAMPLES = Path(__file__).parents[3] / "examples"
HOST = "faq.example.com"
PARENT = {"name": "public", "namespace": "infra"}


def gateway(namespace: Namespace, authority: CertificateAuthority) -> None:
    """A Gateway with a certificate for the host, open to routes of all namespaces."""
    authority.write_secret(namespace, "public-tls", [HOST])
    gateway_class = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "traefik"},
        "spec": {"controllerName": "traefik.io/gateway-controller"},
    }
    routes = {"namespaces": {"from": "All"}}
    listeners = [
        {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": routes},
        {
            "name": "https",
            "protocol": "HTTPS",
            "port": 443,
            "allowedRoutes": routes,
            "tls": {"certificateRefs": [{"name": "public-tls"}]},
        },
    ]
    namespace.apply(gateway_class)
    namespace.apply(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "public"},
            "spec": {"gatewayClassName": "traefik", "listeners": listeners},
        }
    )


def test_the_example_waits_for_its_gateway_then_answers_over_https_and_redirects(
    outside: Outside,
    namespace: Namespace,
    infra: Namespace,
    authority: CertificateAuthority,
    product: Product,
) -> None:
    namespace.run("apply", "--filename", str(EXAMPLES / "exposure-gateway.yaml"))
    waiting = namespace.wait_for(
        "exposure-gateway", lambda ready: "infra/public" in ready["message"], 180
    )
    assert waiting["reason"] == "WaitingForRoute"
    assert "CertificateReady" not in namespace.conditions("exposure-gateway")

    gateway(infra, authority)
    namespace.wait_ready("exposure-gateway")
    assert namespace.conditions("exposure-gateway")["ExposureReady"]["status"] == "True"
    url = namespace.get("scoringservice", "exposure-gateway")["status"]["url"]
    assert url == f"https://{HOST}/faq/score"

    assert reached(outside, url)
    assert is_ranking(ask(outside, url))
    redirect = ask(outside, f"http://{HOST}/faq/score")
    assert (redirect.status, redirect.headers["Location"]) == (308, url)
    assert is_ranking(ask(outside, url, padded(9)))
    assert ask(outside, url, padded(11)).status == 413
    # Many looks followed from the pods and the routes' status: none found anything to change.
    assert applies(product, namespace) == {
        ("httproutes", "exposure-gateway"): 1,
        ("httproutes", "exposure-gateway-redirect"): 1,
    }


def test_a_listener_that_does_not_exist_is_told_in_the_gateways_words(
    outside: Outside, namespace: Namespace, infra: Namespace, authority: CertificateAuthority
) -> None:
    gateway(infra, authority)
    wrong = {"parentRef": PARENT, "httpsSection": "nowhere"}
    namespace.serve("faq", exposure={"host": HOST, "api": "Gateway", "gateway": wrong})
    told = namespace.wait_for("faq", lambda ready: "not Accepted" in ready["message"], 180)
    assert told["reason"] == "WaitingForRoute"
    assert "listener nowhere" in told["message"]
    assert poll(partial(available, namespace, "faq"), 240)
    right = {"exposure": {"gateway": {"httpsSection": "https"}, "redirectToHTTPS": False}}
    namespace.run(
        *("patch", "scoringservice", "faq", "--type=merge"),
        *("--patch", json.dumps({"spec": right})),
    )
    namespace.wait_ready("faq")
    for scheme in ("https", "http"):  # without the redirect both listeners serve
        assert reached(outside, f"{scheme}://{HOST}/score")
    routes = json.loads(namespace.run("get", "httproutes", "--output", "json"))["items"]
    assert [route["metadata"]["name"] for route in routes] == ["faq"]
