"""The HTTPRoutes of the Gateway API: one that serves, and one that redirects to HTTPS."""

from typing import Any, Final

from scoring_operator.api import ScoringService
from scoring_operator.api.exposure import GatewaySettings
from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.metadata import child_metadata
from scoring_operator.manifests.pruning import without_empty

_GROUP: Final = "gateway.networking.k8s.io"
# Keeps a POST a POST. Extended support; 301, which is core, makes it a GET.
_REDIRECT_CODE: Final = 308


def http_routes(service: ScoringService) -> list[dict[str, Any]]:
    """The manifests of the HTTPRoutes."""
    exposure = service.spec.exposure
    if exposure is None or exposure.gateway is None:
        return []
    gateway, needs = exposure.gateway, Needs.of(service)
    matches = [{"path": {"type": "PathPrefix", "value": exposure.prefix or "/"}}]
    sections = [gateway.https_section]
    if not needs.redirect:
        sections.append(gateway.http_section)
    serve = {
        "matches": matches,
        "backendRefs": [
            {
                "group": "",
                "kind": "Service",
                "name": service.metadata.name,
                "port": service.spec.service.port,
                "weight": 1,
            }
        ],
        "timeouts": {"request": f"{needs.timeout_seconds}s"},
    }
    routes = [_route(service, exposure.host, "", gateway, sections, serve)]
    if needs.redirect:
        redirect = {"scheme": "https", "statusCode": _REDIRECT_CODE}
        rule = {
            "matches": matches,
            "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
        }
        routes.append(
            _route(service, exposure.host, "-redirect", gateway, [gateway.http_section], rule)
        )
    return routes


def _route(
    service: ScoringService,
    host: str,
    suffix: str,
    gateway: GatewaySettings,
    sections: list[str],
    rule: dict[str, Any],
) -> dict[str, Any]:
    metadata = child_metadata(service)
    route: dict[str, Any] = without_empty(
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "HTTPRoute",
            "metadata": {**metadata, "name": f"{metadata['name']}{suffix}"},
            "spec": {
                "parentRefs": [_parent(gateway, section) for section in sections],
                "hostnames": [host],
                "rules": [rule],
            },
        }
    )
    return route


def _parent(gateway: GatewaySettings, section: str) -> dict[str, Any]:
    """A reference to a listener, with the group and kind that the API server would fill in."""
    return {
        "group": _GROUP,
        "kind": "Gateway",
        "name": gateway.parent_ref.name,
        "namespace": gateway.parent_ref.namespace,
        "sectionName": section,
    }
