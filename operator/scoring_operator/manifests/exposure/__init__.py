"""The children that expose a service outside the cluster: Ingresses or HTTPRoutes. Pure."""

from typing import Any, Final

from scoring_operator.api import ScoringService
from scoring_operator.manifests.exposure.certificate import certificate
from scoring_operator.manifests.exposure.http_routes import http_routes
from scoring_operator.manifests.exposure.ingress import ingresses, middlewares, shortcomings
from scoring_operator.manifests.platform import Platform

KINDS: Final = frozenset({"Certificate", "Middleware", "Ingress", "HTTPRoute"})
"""Kinds of the children that `exposure` may render."""


def exposure(service: ScoringService, platform: Platform) -> list[dict[str, Any]]:
    """The manifests that `spec.exposure` asks for; none without it.

    What is referred to comes first: the Certificate, then Middlewares, then the routes.
    """
    wanted = service.spec.exposure
    if wanted is None:
        return []
    if wanted.gateway is not None:
        return http_routes(service)
    return [
        *certificate(service),
        *middlewares(service, platform),
        *ingresses(service, platform),
    ]


__all__ = ["KINDS", "exposure", "shortcomings"]
