"""ingress-nginx, and Traefik's provider that reads the same annotations.

Source: the annotations of kubernetes/ingress-nginx (user-guide/nginx-configuration/annotations) and
those that Traefik's kubernetesIngressNGINX provider parses. A redirect is a 308 there
(`http-redirect-code`, a setting of the whole controller). Past the rate limit ingress-nginx
answers 503, unless the controller's `limit-req-status-code` says otherwise.
"""

from typing import Final

from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles.profile import Profile, boolean, nginx_size

_PREFIX: Final = "nginx.ingress.kubernetes.io/"


def nginx(needs: Needs) -> Profile:
    """The profile of ingress-nginx."""
    annotations = {
        "ssl-redirect": boolean(needs.redirect),
        # Redirects even while the certificate is still awaited.
        "force-ssl-redirect": boolean(needs.redirect),
        "proxy-body-size": nginx_size(needs.body_bytes),
        "proxy-read-timeout": str(needs.timeout_seconds),
        "proxy-send-timeout": str(needs.timeout_seconds),
    }
    if needs.requests_per_second is not None:
        annotations["limit-rps"] = str(needs.requests_per_second)
        annotations["limit-burst-multiplier"] = "1"
    return Profile({f"{_PREFIX}{key}": value for key, value in annotations.items()})
