"""Certificates that cert-manager is asked for. Its CRD is real; what issues here is a stand-in."""

from functools import partial
from pathlib import Path

import pytest

from tests.node.conftest import Product
from tests.node.exposure import crds
from tests.node.exposure.audit import applies
from tests.node.exposure.cert_manager import ISSUER, CertificateAuthority, standing_in
from tests.node.exposure.https import Outside
from tests.node.exposure.questions import ask, is_ranking, reached
from tests.node.namespace import Namespace, available, poll

pytestmark = pytest.mark.node

CRDS = (crds.cert_manager,)
EXAMPLES = Path(__file__).parents[3] / "examples"
HOST = "faq.example.com"


def test_a_service_waits_for_its_certificate_and_is_then_answered_for_with_it(
    outside: Outside,
    namespace: Namespace,
    authority: CertificateAuthority,
    product: Product,
) -> None:
    tls = {"secretName": "faq-tls", "issuerRef": ISSUER}
    ingress = {"className": "traefik"}
    namespace.serve("faq", exposure={"host": HOST, "tls": tls, "ingress": ingress})
    waiting = namespace.wait_for(
        "faq", lambda ready: ready["reason"] == "WaitingForCertificate", 180
    )
    assert "Issuer test-ca" in waiting["message"]
    with standing_in(namespace, authority):
        namespace.wait_ready("faq")
    conditions = namespace.conditions("faq")
    assert conditions["CertificateReady"]["status"] == "True"
    url = f"https://{HOST}/score"
    assert reached(outside, url)
    assert is_ranking(ask(outside, url))
    certificate = namespace.get("certificate", "faq")
    assert certificate["spec"]["dnsNames"] == [HOST]
    assert certificate["metadata"]["ownerReferences"][0]["kind"] == "ScoringService"
    assert set(applies(product, namespace).values()) == {1}


def test_an_issuer_that_does_not_exist_is_named_and_the_pods_serve_meanwhile(
    outside: Outside, namespace: Namespace, authority: CertificateAuthority
) -> None:
    with standing_in(namespace, authority):
        namespace.run("apply", "--filename", str(EXAMPLES / "exposure-cert-manager.yaml"))
        told = namespace.wait_for(
            "exposure-cert-manager", lambda ready: "does not exist" in ready["message"], 180
        )
    assert told["reason"] == "WaitingForCertificate"
    assert "ClusterIssuer letsencrypt" in told["message"]
    conditions = namespace.conditions("exposure-cert-manager")
    assert conditions["CertificateReady"]["status"] == "False"
    assert poll(partial(available, namespace, "exposure-cert-manager"), 240)
