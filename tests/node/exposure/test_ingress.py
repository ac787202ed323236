"""An Ingress of Traefik's class answers over HTTPS, redirects, and keeps the limits."""

import io
import json
import random
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from tests.node.conftest import Product
from tests.node.exposure.audit import applies
from tests.node.exposure.cert_manager import CertificateAuthority
from tests.node.exposure.https import Outside
from tests.node.exposure.questions import (
    MEGABYTE,
    QUESTION,
    ask,
    burst,
    is_ranking,
    padded,
    reached,
)
from tests.node.namespace import Namespace, available, poll

pytestmark = pytest.mark.node

EXAMPLES = Path(__file__).parents[3] / "examples"
HOST = "faq.example.com"


def photograph(least: int, most: int) -> bytes:
    """A JPEG of between so many megabytes: grain, which compresses badly."""
    side = round((least * 1.02 * MEGABYTE / 0.9) ** 0.5)
    grain = Image.frombytes("RGB", (side, side), random.Random(0).randbytes(3 * side * side))
    buffer = io.BytesIO()
    grain.save(buffer, "JPEG", quality=90)
    made = buffer.getvalue()
    assert least * MEGABYTE <= len(made) <= most * MEGABYTE
    return made


def exposed(**exposure: object) -> dict[str, object]:
    return {"host": HOST, "ingress": {"className": "traefik"}, **exposure}


def test_the_example_waits_for_its_secret_then_answers_over_https_and_redirects(
    outside: Outside, namespace: Namespace, authority: CertificateAuthority
) -> None:
    namespace.run("apply", "--filename", str(EXAMPLES / "exposure-ingress.yaml"))
    missing = namespace.wait_reason("exposure-ingress", "SecretNotFound")
    assert "faq-tls" in missing["message"]
    assert namespace.conditions("exposure-ingress")["CertificateReady"]["status"] == "False"

    authority.write_secret(namespace, "faq-tls", [HOST])
    namespace.wait_ready("exposure-ingress")
    conditions = namespace.conditions("exposure-ingress")
    assert conditions["ExposureReady"]["status"] == "True"
    assert conditions["CertificateReady"]["status"] == "True"
    url = namespace.get("scoringservice", "exposure-ingress")["status"]["url"]
    assert url == f"https://{HOST}/score"

    assert reached(outside, url)
    assert is_ranking(ask(outside, url))
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        ask(outside, "https://stranger.example.com/score")
    redirect = ask(outside, f"http://{HOST}/score")
    assert (redirect.status, redirect.headers["Location"]) == (308, url)
    followed = ask(outside, redirect.headers["Location"])  # still a POST, with its body
    assert is_ranking(followed)
    assert outside.request("GET", f"http://{HOST}/version").status == 301

    assert is_ranking(ask(outside, url, padded(9)))
    assert ask(outside, url, padded(11)).status == 413
    statuses = burst(outside, url, frozenset({429}))
    assert statuses.keys() == {200, 429}, statuses


def test_an_ingress_that_no_controller_takes_is_waited_for_and_the_pods_serve_meanwhile(
    outside: Outside, namespace: Namespace
) -> None:
    namespace.serve("faq", exposure={"host": HOST, "ingress": {"className": "nobodys"}})
    waiting = namespace.wait_for(
        "faq", lambda ready: ready["reason"] == "WaitingForRoute" and "nobodys" in str(ready), 180
    )
    assert "no ingress controller has published an address" in waiting["message"]
    assert poll(partial(available, namespace, "faq"), 240)
    change = json.dumps({"spec": {"exposure": {"ingress": {"className": "traefik"}}}})
    namespace.run("patch", "scoringservice", "faq", "--type=merge", "--patch", change)
    namespace.wait_ready("faq")
    assert reached(outside, f"http://{HOST}/score")


def test_two_services_share_a_host_by_their_paths(
    outside: Outside, namespace: Namespace, authority: CertificateAuthority
) -> None:
    authority.write_secret(namespace, "faq-tls", [HOST])
    shared = exposed(tls={"secretName": "faq-tls"})
    namespace.serve("large", exposure={**shared, "path": "/large"})
    namespace.serve(
        "small", exposure={**shared, "path": "/small"}, requestLimits={"maxBodySize": "1Ki"}
    )
    for name in ("large", "small"):
        namespace.wait_ready(name)
        assert reached(outside, f"https://{HOST}/{name}/score")
    body = QUESTION.ljust(2000)
    assert is_ranking(ask(outside, f"https://{HOST}/large/score", body))
    assert ask(outside, f"https://{HOST}/small/score", body).status == 413
    assert ask(outside, f"http://{HOST}/small/score").headers["Location"].endswith("/small/score")


def test_a_photograph_of_nine_megabytes_is_classified_and_one_of_eleven_is_refused(
    outside: Outside, namespace: Namespace, authority: CertificateAuthority
) -> None:
    authority.write_secret(namespace, "faq-tls", [HOST])
    namespace.serve(
        "image",
        model={"type": "image-classification"},
        resources={"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        exposure=exposed(tls={"secretName": "faq-tls"}),
    )
    namespace.wait_ready("image", seconds=300)
    url = f"https://{HOST}/score"
    assert reached(outside, f"https://{HOST}/version", "GET")
    answer = outside.request("POST", url, photograph(9, 10), "image/jpeg")
    assert answer.status == 200
    assert json.loads(answer.body)["result"]
    assert outside.request("POST", url, photograph(11, 12), "image/jpeg").status == 413


def test_without_redirect_plain_http_is_served_too(
    outside: Outside, namespace: Namespace, authority: CertificateAuthority
) -> None:
    authority.write_secret(namespace, "faq-tls", [HOST])
    namespace.serve("faq", exposure=exposed(tls={"secretName": "faq-tls"}, redirectToHTTPS=False))
    namespace.wait_ready("faq")
    for scheme in ("https", "http"):
        assert reached(outside, f"{scheme}://{HOST}/score")


def test_what_was_applied_is_not_applied_again(
    outside: Outside, namespace: Namespace, product: Product
) -> None:
    namespace.serve("faq", exposure=exposed(rateLimit={"requestsPerSecond": 5}))
    namespace.wait_ready("faq")
    # Many looks follow from the pods, the Ingress' status and this; all children are as wanted.
    namespace.run("scale", "scoringservice", "faq", "--replicas=2")
    namespace.wait_for("faq", lambda ready: "2 of 2" in ready["message"], 120)
    assert applies(product, namespace) == {
        ("ingresses", "faq"): 1,
        ("middlewares", "faq-limits"): 1,
        ("middlewares", "faq-rate"): 1,
    }
