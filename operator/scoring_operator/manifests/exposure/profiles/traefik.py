"""Traefik, by its own annotations and Middlewares.

Source: "Kubernetes Ingress routing configuration" and the Middlewares of Traefik's documentation.
The entry points have the names of its Helm chart, web and websecure. A permanent `redirectScheme`
answers 301 to a GET and 308 to all else. Traefik waits for a backend as long as it takes unless it
is told otherwise, so the server's own time-out counts.
"""

from typing import Any, Final

from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles.profile import Profile, SecondIngress

_PREFIX: Final = "traefik.ingress.kubernetes.io/"
_ENTRY_POINTS: Final = f"{_PREFIX}router.entrypoints"
_TLS: Final = f"{_PREFIX}router.tls"
_MIDDLEWARES: Final = f"{_PREFIX}router.middlewares"


def traefik(needs: Needs) -> Profile:
    """The profile of Traefik."""
    limits: dict[str, dict[str, Any]] = {}
    if needs.requests_per_second is not None:
        rate = needs.requests_per_second
        limits["-rate"] = {"rateLimit": {"average": rate, "period": "1s", "burst": rate}}
    limits["-limits"] = {"buffering": {"maxRequestBodyBytes": needs.body_bytes}}
    used = {_MIDDLEWARES: ",".join(_reference(needs, suffix) for suffix in limits)}
    if not needs.tls:
        return Profile({_ENTRY_POINTS: "web", **used}, middlewares=limits)
    served = {_ENTRY_POINTS: "websecure", _TLS: "true", **used}
    if not needs.redirect:
        # A router has TLS or has it not: plain HTTP needs one of its own.
        plain = {_ENTRY_POINTS: "web", **used}
        second = SecondIngress("-http", plain, serves=True, withheld=(_ENTRY_POINTS, _TLS))
        return Profile(served, second, limits)
    redirect = {"redirectScheme": {"scheme": "https", "permanent": True}}
    to_https = {_ENTRY_POINTS: "web", _MIDDLEWARES: _reference(needs, "-redirect")}
    return Profile(
        served,
        SecondIngress("-redirect", to_https, serves=False),
        {"-redirect": redirect, **limits},
    )


def _reference(needs: Needs, suffix: str) -> str:
    """A Middleware as annotations name it: the namespace is a part of the name."""
    return f"{needs.namespace}-{needs.name}{suffix}@kubernetescrd"
