"""The annotations of ingress-nginx do what they say, as Traefik's provider for them reads them."""

import pytest

from tests.node.exposure import traefik
from tests.node.exposure.cert_manager import CertificateAuthority
from tests.node.exposure.https import Outside
from tests.node.exposure.questions import ask, burst, is_ranking, padded, reached
from tests.node.namespace import Namespace

pytestmark = pytest.mark.node

PROVIDERS = (traefik.NGINX_PROVIDER,)
HOST = "faq.example.com"


def test_an_ingress_of_class_nginx_redirects_keeping_a_post_and_keeps_the_limits(
    outside: Outside, namespace: Namespace, authority: CertificateAuthority
) -> None:
    authority.write_secret(namespace, "faq-tls", [HOST])
    namespace.serve(
        "faq",
        exposure={
            "host": HOST,
            "tls": {"secretName": "faq-tls"},
            "ingress": {"className": "nginx"},
            "rateLimit": {"requestsPerSecond": 20},
        },
    )
    namespace.wait_ready("faq")
    url = f"https://{HOST}/score"
    assert reached(outside, url)
    redirect = ask(outside, f"http://{HOST}/score")
    assert (redirect.status, redirect.headers["Location"]) == (308, url)
    assert is_ranking(ask(outside, url, padded(9)))
    assert ask(outside, url, padded(11)).status == 413
    statuses = burst(outside, url, frozenset({429, 503}))
    refused = statuses.keys() - {200}
    assert statuses[200]
    assert refused <= {429, 503}, statuses
    assert refused
