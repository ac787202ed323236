"""Every ingress class is told what it needs in its own words, and nothing in another's."""

import re
from typing import Any

import pytest

from scoring_operator.manifests import Platform
from scoring_operator.manifests.exposure import shortcomings
from tests.controller.builders import service
from tests.controller.manifests.exposure.specs import (
    HOST,
    annotations,
    by_ingress_class,
    rendered,
)

FULL: dict[str, Any] = {
    "requests": {"maxBodySize": "12Mi", "timeoutSeconds": 60},
    "rateLimit": {"requestsPerSecond": 20},
}

# What is written where everything is asked for.
NGINX = {
    "nginx.ingress.kubernetes.io/ssl-redirect": "true",
    "nginx.ingress.kubernetes.io/force-ssl-redirect": "true",
    "nginx.ingress.kubernetes.io/proxy-body-size": "12m",
    "nginx.ingress.kubernetes.io/proxy-read-timeout": "65",
    "nginx.ingress.kubernetes.io/proxy-send-timeout": "65",
    "nginx.ingress.kubernetes.io/limit-rps": "20",
    "nginx.ingress.kubernetes.io/limit-burst-multiplier": "1",
}
F5_NGINX = {
    "nginx.org/ssl-redirect": "true",
    "nginx.org/http-redirect-code": "308",
    "nginx.org/client-max-body-size": "12m",
    "nginx.org/proxy-read-timeout": "65s",
    "nginx.org/proxy-send-timeout": "65s",
    "nginx.org/limit-req-rate": "20r/s",
    "nginx.org/limit-req-key": "${binary_remote_addr}",
    "nginx.org/limit-req-zone-size": "10m",
    "nginx.org/limit-req-burst": "20",
    "nginx.org/limit-req-no-delay": "true",
    "nginx.org/limit-req-reject-code": "429",
}
HAPROXY = {
    "haproxy.org/ssl-redirect": "true",
    "haproxy.org/ssl-redirect-code": "301",
    "haproxy.org/ssl-redirect-port": "443",
    "haproxy.org/timeout-server": "65s",
    "haproxy.org/rate-limit-requests": "20",
    "haproxy.org/rate-limit-period": "1s",
    "haproxy.org/rate-limit-status-code": "429",
}
TRAEFIK = {
    "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
    "traefik.ingress.kubernetes.io/router.tls": "true",
    "traefik.ingress.kubernetes.io/router.middlewares": (
        "ml-faq-rate@kubernetescrd,ml-faq-limits@kubernetescrd"
    ),
}


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("nginx", NGINX),
        ("nginx-internal", NGINX),
        ("public.nginx", NGINX),
        ("nginx-traefik", NGINX),
        ("f5-nginx", F5_NGINX),
        ("nginx-plus", F5_NGINX),
        ("nginx-org", F5_NGINX),
        ("nginxinc", F5_NGINX),
        ("haproxy", HAPROXY),
        ("haproxy-internal", HAPROXY),
        ("traefik", TRAEFIK),
        ("traefik-external", TRAEFIK),
        ("alb", {}),
        ("engine-x", {}),
        (None, {}),
    ],
)
def test_a_class_is_told_all_in_its_own_words_and_nothing_in_others(
    class_name: str | None, expected: dict[str, str]
) -> None:
    assert annotations(by_ingress_class(class_name, **FULL)) == expected


@pytest.mark.parametrize("class_name", ["nginx", "f5-nginx", "haproxy", "traefik"])
def test_no_limit_on_the_rate_unless_asked_for(class_name: str) -> None:
    text = str(rendered(by_ingress_class(class_name)))
    assert re.search("limit-r|rate", text) is None


@pytest.mark.parametrize(
    ("class_name", "key"),
    [
        ("nginx", "nginx.ingress.kubernetes.io/ssl-redirect"),
        ("nginx", "nginx.ingress.kubernetes.io/force-ssl-redirect"),
        ("f5-nginx", "nginx.org/ssl-redirect"),
        ("haproxy", "haproxy.org/ssl-redirect"),
    ],
)
def test_no_redirect_is_said_aloud_for_it_is_the_default_of_some(class_name: str, key: str) -> None:
    assert annotations(by_ingress_class(class_name, redirectToHTTPS=False))[key] == "false"
    assert annotations(by_ingress_class(class_name, tls=None))[key] == "false"


@pytest.mark.parametrize(
    ("size", "written"), [("1Gi", "1024m"), ("1500Ki", "1500k"), ("10M", "10000000"), ("1Ki", "1k")]
)
def test_sizes_are_exact_in_nginx_syntax(size: str, written: str) -> None:
    found = annotations(by_ingress_class("nginx", requests={"maxBodySize": size}))
    assert found["nginx.ingress.kubernetes.io/proxy-body-size"] == written


@pytest.mark.parametrize("class_name", ["nginx", "traefik", "alb"])
def test_the_users_annotations_win(class_name: str) -> None:
    mine = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "1g",
        "traefik.ingress.kubernetes.io/router.entrypoints": "internal",
        "example.com/team": "ml",
    }
    assert mine.items() <= annotations(by_ingress_class(class_name, annotations=mine)).items()


def test_the_operators_class_is_used_unless_the_spec_names_one() -> None:
    platform = Platform(ingress_class="haproxy")
    found = rendered(by_ingress_class(None), platform)["Ingress", "faq"]
    assert found["spec"]["ingressClassName"] == "haproxy"
    assert "haproxy.org/timeout-server" in found["metadata"]["annotations"]
    found = rendered(by_ingress_class("nginx"), platform)["Ingress", "faq"]
    assert found["spec"]["ingressClassName"] == "nginx"


@pytest.mark.parametrize(
    ("class_name", "words"),
    [
        ("nginx", ()),
        ("f5-nginx", ()),
        ("traefik", ()),
        ("haproxy", ("301", "POST")),
        ("alb", ("alb", "redirect", "body size", "rate limit")),
        (None, ("no ingress class", "redirect")),
    ],
)
def test_what_a_class_cannot_do_is_told(class_name: str | None, words: tuple[str, ...]) -> None:
    told = " ".join(shortcomings(service(by_ingress_class(class_name, **FULL)), Platform()))
    assert bool(told) == bool(words)
    assert [word for word in words if word not in told] == []


def test_traefik_redirects_by_a_second_ingress_and_a_permanent_redirect() -> None:
    found = rendered(by_ingress_class("traefik", **FULL))
    assert [kind for kind, _ in found] == [*["Middleware"] * 3, "Ingress", "Ingress"]
    assert found["Middleware", "faq-redirect"]["spec"] == {
        "redirectScheme": {"scheme": "https", "permanent": True}
    }
    assert found["Middleware", "faq-limits"]["spec"] == {
        "buffering": {"maxRequestBodyBytes": 12 * 2**20}
    }
    assert found["Middleware", "faq-rate"]["spec"] == {
        "rateLimit": {"average": 20, "period": "1s", "burst": 20}
    }
    redirect = found["Ingress", "faq-redirect"]
    assert redirect["metadata"]["annotations"] == {
        "traefik.ingress.kubernetes.io/router.entrypoints": "web",
        "traefik.ingress.kubernetes.io/router.middlewares": "ml-faq-redirect@kubernetescrd",
    }
    assert "tls" not in redirect["spec"]
    assert redirect["spec"]["rules"] == found["Ingress", "faq"]["spec"]["rules"]
    assert redirect["spec"]["ingressClassName"] == "traefik"


def test_traefik_without_redirect_serves_plain_http_by_a_second_ingress_as_well_guarded() -> None:
    mine = {
        "traefik.ingress.kubernetes.io/router.middlewares": "ml-allow@kubernetescrd",
        "traefik.ingress.kubernetes.io/router.entrypoints": "internal",
        "traefik.ingress.kubernetes.io/router.tls.certresolver": "le",
    }
    found = rendered(by_ingress_class("traefik", redirectToHTTPS=False, annotations=mine))
    assert [name for _, name in found] == ["faq-limits", "faq", "faq-http"]
    assert found["Ingress", "faq-http"]["metadata"]["annotations"] == {
        "traefik.ingress.kubernetes.io/router.entrypoints": "web",
        "traefik.ingress.kubernetes.io/router.middlewares": "ml-allow@kubernetescrd",
    }


def test_traefik_without_tls_serves_plain_http_alone() -> None:
    found = rendered(by_ingress_class("traefik", tls=None))
    assert [name for _, name in found] == ["faq-limits", "faq"]
    assert annotations(by_ingress_class("traefik", tls=None)) == {
        "traefik.ingress.kubernetes.io/router.entrypoints": "web",
        "traefik.ingress.kubernetes.io/router.middlewares": "ml-faq-limits@kubernetescrd",
    }


@pytest.mark.parametrize("class_name", ["nginx", "f5-nginx", "haproxy", "alb"])
def test_other_classes_get_one_ingress_and_nothing_of_traefiks(class_name: str) -> None:
    assert list(rendered(by_ingress_class(class_name, **FULL))) == [("Ingress", "faq")]


def test_an_ingress_has_the_host_the_path_and_the_secret() -> None:
    found = rendered(by_ingress_class("nginx", path="/a/b/"))["Ingress", "faq"]
    assert found["spec"]["tls"] == [{"hosts": [HOST], "secretName": "faq-tls"}]
    (rule,) = found["spec"]["rules"]
    assert rule["host"] == HOST
    assert rule["http"]["paths"] == [
        {
            "path": "/a/b",
            "pathType": "Prefix",
            "backend": {"service": {"name": "faq", "port": {"name": "http"}}},
        }
    ]
