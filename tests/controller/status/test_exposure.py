"""ExposureReady and CertificateReady say what the controllers outside said, and no more."""

from collections.abc import Mapping
from typing import Any

import pytest

from scoring_operator.manifests import Platform
from scoring_operator.manifests.exposure import exposure
from scoring_operator.status import Observed
from scoring_operator.status.exposure import Aspect, Exposure, read_exposure
from tests.controller.builders import service
from tests.controller.manifests.exposure.specs import GATEWAY, ISSUED, TLS, by_ingress_class, spec

Children = dict[tuple[str, str], dict[str, Any]]
BY_GATEWAY = spec(api="Gateway", gateway=GATEWAY)


def applied(of: Mapping[str, Any]) -> Children:
    """The exposure's children as stored, without a word of their controllers."""
    children: Children = {}
    for item in exposure(service(of), Platform()):
        item["metadata"]["generation"] = 2
        children[item["kind"], item["metadata"]["name"]] = item
    return children


def publish(children: Children) -> Children:
    """The ingress controller publishes an address for every Ingress."""
    for (kind, _), item in children.items():
        if kind == "Ingress":
            item["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    return children


def condition(kind: str, holds: bool, message: str = "", generation: int = 2) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": "Because",
        "message": message,
        "observedGeneration": generation,
    }


def accept(children: Children, *conditions: dict[str, Any]) -> Children:
    """The Gateway's controller writes the same conditions for every parent."""
    told = conditions or (condition("Accepted", True), condition("ResolvedRefs", True))
    for item in children.values():
        item["status"] = {
            "parents": [
                {"parentRef": parent, "controllerName": "x/y", "conditions": list(told)}
                for parent in item["spec"]["parentRefs"]
            ]
        }
    return children


def read(
    of: Mapping[str, Any], children: Children, platform: Platform | None = None, **seen: Any
) -> Exposure:
    observed = Observed(children=children, **seen)
    return read_exposure(service(of), platform or Platform(), observed)


def route(of: Mapping[str, Any], children: Children, **seen: Any) -> Aspect:
    found = read(of, children, **seen).route
    assert found is not None
    return found


def certificate(of: Mapping[str, Any], children: Children, **seen: Any) -> Aspect:
    found = read(of, children, **seen).certificate
    assert found is not None
    return found


def test_a_service_that_is_not_exposed_has_neither_condition() -> None:
    assert read({}, {}) == Exposure(None, None)
    assert read({}, {}).waits_for is None


def test_an_ingress_is_ready_once_an_address_is_published() -> None:
    of = by_ingress_class("nginx")
    waiting = route(of, applied(of))
    assert (waiting.ready, waiting.reason) == (False, "WaitingForRoute")
    assert "Ingress faq of class nginx" in waiting.message
    ready = route(of, publish(applied(of)))
    assert ready == Aspect(True, "Programmed", "https://faq.example.com/score is programmed")


def test_where_no_controller_publishes_addresses_an_ingress_need_not_have_one() -> None:
    of = by_ingress_class("nginx")
    found = read(of, applied(of), Platform(wait_for_ingress_address=False)).route
    assert found is not None
    assert found.ready


@pytest.mark.parametrize(
    "missing", [("Ingress", "faq-redirect"), ("Ingress", "faq"), ("Middleware", "faq-limits")]
)
def test_every_part_of_a_route_must_be_there(missing: tuple[str, str]) -> None:
    of = by_ingress_class("traefik")
    children = publish(applied(of))
    assert route(of, children).ready
    del children[missing]
    waiting = route(of, children)
    assert not waiting.ready
    assert " ".join(missing) in waiting.message


def test_what_the_class_cannot_do_is_told_while_ready() -> None:
    of = by_ingress_class("haproxy")
    ready = route(of, publish(applied(of)))
    assert ready.ready
    assert "301" in ready.message


def test_a_route_is_ready_when_every_parent_has_accepted_this_generation_of_it() -> None:
    assert route(BY_GATEWAY, accept(applied(BY_GATEWAY))).ready


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            [condition("Accepted", False, "no matching host"), condition("ResolvedRefs", True)],
            "infra/public, listener https: not Accepted: no matching host",
        ),
        (
            [condition("Accepted", True), condition("ResolvedRefs", False, "no Service faq")],
            "not ResolvedRefs: no Service faq",
        ),
        (
            [condition("Accepted", True, generation=1), condition("ResolvedRefs", True)],
            "has not looked at the last change yet",
        ),
        ([condition("Accepted", True)], "has not looked at the last change yet"),
    ],
)
def test_a_route_is_not_ready_while_a_parent_has_it_not_accepted(
    told: list[dict[str, Any]], words: str
) -> None:
    waiting = route(BY_GATEWAY, accept(applied(BY_GATEWAY), *told))
    assert (waiting.ready, waiting.reason) == (False, "WaitingForRoute")
    assert words in waiting.message


def test_the_words_of_another_listener_do_not_count() -> None:
    children = accept(applied(BY_GATEWAY))
    (parent,) = children["HTTPRoute", "faq"]["status"]["parents"]
    parent["parentRef"] = {**parent["parentRef"], "sectionName": "other"}
    assert "no controller has looked at it yet" in route(BY_GATEWAY, children).message


def test_the_redirect_must_be_programmed_too() -> None:
    children = accept(applied(BY_GATEWAY))
    del children["HTTPRoute", "faq-redirect"]["status"]
    assert "HTTPRoute faq-redirect" in route(BY_GATEWAY, children).message


def test_a_gateway_has_its_own_certificate() -> None:
    assert read(BY_GATEWAY, {}).certificate is None


def test_an_absent_gateway_api_is_named() -> None:
    aspect = route(BY_GATEWAY, {}, absent_kinds=["HTTPRoute"])
    assert (aspect.ready, aspect.reason) == (False, "GatewayAPINotInstalled")


def test_the_owner_of_the_host_is_named() -> None:
    aspect = route(spec(path="/faq"), {}, host_owner="other/faq")
    assert (aspect.ready, aspect.reason) == (False, "HostConflict")
    assert "faq.example.com/faq" in aspect.message
    assert "other/faq" in aspect.message


def test_a_secret_of_the_users_must_be_there() -> None:
    of = spec(tls=TLS)
    assert certificate(of, {}).ready
    missing = certificate(of, {}, missing_secrets=["faq-tls"])
    assert (missing.ready, missing.reason) == (False, "SecretNotFound")
    assert "faq-tls" in missing.message


def test_other_missing_secrets_are_not_the_certificates() -> None:
    assert certificate(spec(tls=TLS), {}, missing_secrets=["regcred"]).ready


def test_a_secret_that_cert_manager_has_yet_to_write_is_not_missing() -> None:
    of = spec(tls=ISSUED)
    aspect = certificate(of, applied(of), missing_secrets=["faq-tls"])
    assert aspect.reason == "WaitingForCertificate"


def test_a_certificate_is_ready_when_cert_manager_says_so_of_this_generation() -> None:
    of = spec(tls=ISSUED)
    children = applied(of)
    waiting = certificate(of, children)
    assert (waiting.ready, waiting.reason) == (False, "WaitingForCertificate")
    assert "ClusterIssuer letsencrypt" in waiting.message
    stored = children["Certificate", "faq"]
    stored["status"] = {"conditions": [condition("Ready", True, generation=1)]}
    assert not certificate(of, children).ready
    stored["status"] = {"conditions": [condition("Ready", True)]}
    assert certificate(of, children).ready


def test_cert_managers_own_words_are_told() -> None:
    of = spec(tls=ISSUED)
    children = applied(of)
    children["Certificate", "faq"]["status"] = {
        "conditions": [
            condition("Ready", False, "the Secret does not exist"),
            condition("Issuing", True, "the order failed"),
        ]
    }
    message = certificate(of, children).message
    assert "the Secret does not exist; the order failed" in message


def test_an_absent_cert_manager_is_named() -> None:
    aspect = certificate(spec(tls=ISSUED), {}, absent_kinds=["Certificate"])
    assert (aspect.ready, aspect.reason) == (False, "CertManagerNotInstalled")


def test_ready_waits_for_the_certificate_before_the_route_but_a_conflict_comes_first() -> None:
    of = spec(tls=ISSUED)
    both = read(of, applied(of)).waits_for
    assert both is not None
    assert both.reason == "WaitingForCertificate"
    conflict = read(of, applied(of), host_owner="other/faq").waits_for
    assert conflict is not None
    assert conflict.reason == "HostConflict"
    children = publish(applied(of))
    children["Certificate", "faq"]["status"] = {"conditions": [condition("Ready", True)]}
    assert read(of, children).waits_for is None
