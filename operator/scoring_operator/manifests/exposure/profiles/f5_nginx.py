"""The NGINX Ingress Controller of F5.

Source: "Advanced configuration with Annotations" of its documentation, and its parser
(internal/configs/annotations.go of nginx/kubernetes-ingress).
"""

from typing import Final

from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles.profile import Profile, boolean, nginx_size

_PREFIX: Final = "nginx.org/"


def f5_nginx(needs: Needs) -> Profile:
    """The profile of F5's controller."""
    annotations = {
        "ssl-redirect": boolean(needs.redirect),
        "client-max-body-size": nginx_size(needs.body_bytes),
        "proxy-read-timeout": f"{needs.timeout_seconds}s",
        "proxy-send-timeout": f"{needs.timeout_seconds}s",
    }
    if needs.redirect:
        annotations["http-redirect-code"] = "308"
    if needs.requests_per_second is not None:
        annotations |= {
            "limit-req-rate": f"{needs.requests_per_second}r/s",
            "limit-req-key": "${binary_remote_addr}",
            "limit-req-zone-size": "10m",
            "limit-req-burst": str(needs.requests_per_second),
            "limit-req-no-delay": "true",
            "limit-req-reject-code": "429",
        }
    return Profile({f"{_PREFIX}{key}": value for key, value in annotations.items()})
