"""The Ingress that serves, and what its class needs beside it."""

from collections.abc import Mapping
from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.api.exposure import Exposure
from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles import Profile, profile_of
from scoring_operator.manifests.metadata import child_metadata
from scoring_operator.manifests.platform import Platform
from scoring_operator.manifests.pruning import without_empty


def class_name(exposure: Exposure, platform: Platform) -> str | None:
    """The IngressClass; None leaves it to the cluster's default, whatever that is."""
    chosen = exposure.ingress.class_name if exposure.ingress else None
    return chosen or platform.ingress_class


def shortcomings(service: ScoringService, platform: Platform) -> tuple[str, ...]:
    """What the exposure asks for and its ingress class cannot do, or is not known to do."""
    exposure = service.spec.exposure
    if exposure is None or exposure.gateway is not None:
        return ()
    return _profile(service, exposure, platform).shortcomings


def ingresses(service: ScoringService, platform: Platform) -> list[dict[str, Any]]:
    """The manifests of the Ingresses: the one that serves, then a second one for plain HTTP."""
    exposure = service.spec.exposure
    if exposure is None or exposure.gateway is not None:
        return []
    profile = _profile(service, exposure, platform)
    name = class_name(exposure, platform)
    users = exposure.ingress.annotations if exposure.ingress else {}
    made = [_ingress(service, exposure, name, "", {**profile.annotations, **users})]
    second = profile.second
    if second is not None:
        annotations = second.annotated(users)
        made.append(_ingress(service, exposure, name, second.suffix, annotations, plain=True))
    return made


def middlewares(service: ScoringService, platform: Platform) -> list[dict[str, Any]]:
    """The manifests of the Traefik Middlewares that the Ingresses refer to."""
    exposure = service.spec.exposure
    if exposure is None or exposure.gateway is not None:
        return []
    return [
        {
            "apiVersion": "traefik.io/v1alpha1",
            "kind": "Middleware",
            "metadata": _metadata(service, suffix),
            "spec": dict(spec),
        }
        for suffix, spec in _profile(service, exposure, platform).middlewares.items()
    ]


def _profile(service: ScoringService, exposure: Exposure, platform: Platform) -> Profile:
    return profile_of(class_name(exposure, platform), Needs.of(service))


def _ingress(
    service: ScoringService,
    exposure: Exposure,
    class_name: str | None,
    suffix: str,
    annotations: Mapping[str, str],
    *,
    plain: bool = False,
) -> dict[str, Any]:
    tls = None if plain else exposure.tls
    backend = {"service": {"name": service.metadata.name, "port": {"name": "http"}}}
    # The server answers under the prefix too, so that no class needs a rewrite.
    path = {"path": exposure.prefix or "/", "pathType": "Prefix", "backend": backend}
    manifest: dict[str, Any] = without_empty(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {**_metadata(service, suffix), "annotations": dict(annotations)},
            "spec": {
                "ingressClassName": class_name,
                "tls": tls and [{"hosts": [exposure.host], "secretName": tls.secret_name}],
                "rules": [{"host": exposure.host, "http": {"paths": [path]}}],
            },
        }
    )
    return manifest


def _metadata(service: ScoringService, suffix: str) -> dict[str, Any]:
    metadata = child_metadata(service)
    return {**metadata, "name": f"{metadata['name']}{suffix}"}
