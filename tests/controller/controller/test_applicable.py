"""What of the manifests can be applied in the cluster as it is."""

from __future__ import annotations

from typing import Any

from scoring_operator.controller.applicable import REQUIRED_KINDS, applicable
from scoring_operator.controller.store import Child

KINDS = ("Deployment", "Ingress", "HTTPRoute", "Certificate", "PodMonitor", "Middleware")
MANIFESTS: list[dict[str, Any]] = [{"kind": kind, "metadata": {"name": "faq"}} for kind in KINDS]
CHILDREN = {(kind, "faq"): Child({}, "u", "1", "owner", b"") for kind in KINDS}


def kinds(manifests: list[dict[str, Any]]) -> list[str]:
    return [manifest["kind"] for manifest in manifests]


def test_where_all_kinds_are_served_everything_is_applied() -> None:
    fit = applicable(MANIFESTS, CHILDREN, set(KINDS), contested=False)
    assert (fit.manifests, fit.children, fit.absent_kinds) == (MANIFESTS, CHILDREN, ())


def test_what_is_not_served_is_left_out_and_told_but_for_conveniences() -> None:
    fit = applicable(MANIFESTS, CHILDREN, REQUIRED_KINDS, contested=False)
    assert kinds(fit.manifests) == ["Deployment", "Ingress"]
    assert fit.absent_kinds == ("HTTPRoute", "Certificate")


def test_a_kind_that_nothing_needs_is_not_missed() -> None:
    fit = applicable(MANIFESTS[:1], {}, REQUIRED_KINDS, contested=False)
    assert fit.absent_kinds == ()


def test_on_a_contested_host_the_exposure_is_neither_changed_nor_deleted() -> None:
    fit = applicable(MANIFESTS, CHILDREN, set(KINDS), contested=True)
    assert kinds(fit.manifests) == ["Deployment", "PodMonitor"]
    assert set(fit.children) == {("Deployment", "faq"), ("PodMonitor", "faq")}
