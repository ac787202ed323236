"""How the service is reached from outside."""

from typing import Any

from tests.controller.manifests.leaves.children import annotations, at, env
from tests.controller.manifests.leaves.row import Row

HOST = "faq.example.com"
_GATEWAY = {"parentRef": {"name": "public"}}


def exposed(**settings: Any) -> dict[str, Any]:
    return {"exposure": {"host": HOST, **settings}}


def nginx(**settings: Any) -> dict[str, Any]:
    return exposed(ingress={"className": "nginx"}, tls={"secretName": "tls"}, **settings)


def routed(**settings: Any) -> dict[str, Any]:
    return exposed(api="Gateway", gateway={**_GATEWAY, **settings})


EXPOSED = [
    Row(
        "exposure.api",
        exposed(),
        lambda c: sorted(kind for kind in c if kind.startswith(("Ingress", "HTTPRoute"))),
        ["Ingress"],
    ),
    Row(
        "exposure.api",
        routed(),
        lambda c: sorted(kind for kind in c if kind.startswith(("Ingress", "HTTPRoute"))),
        ["HTTPRoute", "HTTPRoute-redirect"],
    ),
    Row("exposure.host", exposed(), lambda c: c["Ingress"]["spec"]["rules"][0]["host"], HOST),
    Row("exposure.host", routed(), lambda c: c["HTTPRoute"]["spec"]["hostnames"], [HOST]),
    Row(
        "exposure.path",
        exposed(path="/faq/"),
        lambda c: (
            c["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["path"],
            env(c)["SCORING_PATH_PREFIX"],
        ),
        ("/faq", "/faq"),
    ),
    Row(
        "exposure.path",
        exposed(path="/"),
        lambda c: (
            c["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["path"],
            "SCORING_PATH_PREFIX" in env(c),
        ),
        ("/", False),
    ),
    Row(
        "exposure.tls.secretName",
        nginx(),
        lambda c: c["Ingress"]["spec"]["tls"],
        [{"hosts": [HOST], "secretName": "tls"}],
    ),
    *(
        Row(
            f"exposure.tls.issuerRef.{leaf}",
            exposed(
                tls={"secretName": "tls", "issuerRef": {"kind": "ClusterIssuer", "name": "ca"}}
            ),
            at(lambda c: c["Certificate"], "spec", "issuerRef", leaf),
            value,
        )
        for leaf, value in (("kind", "ClusterIssuer"), ("name", "ca"))
    ),
    *(
        Row(
            "exposure.redirectToHTTPS",
            nginx(redirectToHTTPS=wanted),
            lambda c: annotations(c["Ingress"])["nginx.ingress.kubernetes.io/ssl-redirect"],
            str(wanted).lower(),
        )
        for wanted in (True, False)
    ),
    Row(
        "exposure.redirectToHTTPS",
        {"exposure": {**routed()["exposure"], "redirectToHTTPS": False}},
        lambda c: "HTTPRoute-redirect" in c,
        False,
    ),
    Row(
        "exposure.ingress.className",
        exposed(ingress={"className": "mine"}),
        lambda c: c["Ingress"]["spec"]["ingressClassName"],
        "mine",
    ),
    Row(
        "exposure.ingress.annotations",
        exposed(ingress={"className": "mine", "annotations": {"a/b": "c"}}),
        lambda c: annotations(c["Ingress"]),
        {"a/b": "c"},
    ),
    Row(
        "exposure.gateway.parentRef.name",
        routed(),
        lambda c: c["HTTPRoute"]["spec"]["parentRefs"][0]["name"],
        "public",
    ),
    Row(
        "exposure.gateway.parentRef.namespace",
        routed(parentRef={"name": "public", "namespace": "infra"}),
        lambda c: c["HTTPRoute"]["spec"]["parentRefs"][0]["namespace"],
        "infra",
    ),
    Row(
        "exposure.gateway.httpSection",
        routed(httpSection="plain"),
        lambda c: c["HTTPRoute-redirect"]["spec"]["parentRefs"][0]["sectionName"],
        "plain",
    ),
    Row(
        "exposure.gateway.httpsSection",
        routed(httpsSection="secure"),
        lambda c: c["HTTPRoute"]["spec"]["parentRefs"][0]["sectionName"],
        "secure",
    ),
    Row(
        "exposure.rateLimit.requestsPerSecond",
        nginx(rateLimit={"requestsPerSecond": 20}),
        lambda c: annotations(c["Ingress"])["nginx.ingress.kubernetes.io/limit-rps"],
        "20",
    ),
    Row(
        "exposure.rateLimit.requestsPerSecond",
        exposed(ingress={"className": "traefik"}, rateLimit={"requestsPerSecond": 20}),
        lambda c: c["Middleware-rate"]["spec"]["rateLimit"]["average"],
        20,
    ),
]
