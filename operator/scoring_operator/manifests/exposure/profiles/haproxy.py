"""The HAProxy Kubernetes Ingress Controller of HAProxy Technologies.

Source: documentation/annotations.md of haproxytech/kubernetes-ingress. It redirects with 301, 302
or 303 only, and has no limit on bodies, so that the server's own one counts.
"""

from typing import Final

from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles.profile import Profile, boolean

_PREFIX: Final = "haproxy.org/"


def haproxy(needs: Needs) -> Profile:
    """The profile of HAProxy Technologies' controller."""
    annotations = {
        "ssl-redirect": boolean(needs.redirect),
        "timeout-server": f"{needs.timeout_seconds}s",
    }
    shortcomings = []
    if needs.redirect:
        annotations["ssl-redirect-code"] = "301"
        # Its default is the container's port, 8443.
        annotations["ssl-redirect-port"] = "443"
        shortcomings.append(
            "HAProxy redirects to HTTPS with 301, which turns a POST into a GET: call the https"
            " address directly"
        )
    if needs.requests_per_second is not None:
        annotations |= {
            "rate-limit-requests": str(needs.requests_per_second),
            "rate-limit-period": "1s",
            "rate-limit-status-code": "429",
        }
    named = {f"{_PREFIX}{key}": value for key, value in annotations.items()}
    return Profile(named, shortcomings=tuple(shortcomings))
