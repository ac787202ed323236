"""What each family of ingress controllers has to be told, in its own words; one file each."""

import re

from scoring_operator.manifests.exposure.needs import Needs
from scoring_operator.manifests.exposure.profiles.f5_nginx import f5_nginx
from scoring_operator.manifests.exposure.profiles.haproxy import haproxy
from scoring_operator.manifests.exposure.profiles.nginx import nginx
from scoring_operator.manifests.exposure.profiles.profile import Profile, SecondIngress
from scoring_operator.manifests.exposure.profiles.traefik import traefik
from scoring_operator.manifests.exposure.profiles.unknown import unknown


def profile_of(class_name: str | None, needs: Needs) -> Profile:
    """The profile of the family that the class' name tells.

    The name's words are what counts, so that `nginx-internal` and `public.nginx` are known too. A
    class that says both nginx and traefik is Traefik's provider for ingress-nginx' annotations.
    """
    words = set(re.split(r"[-.]", class_name or ""))
    if words & {"f5", "nginxinc"} or {"nginx", "plus"} <= words or {"nginx", "org"} <= words:
        return f5_nginx(needs)
    if "nginx" in words:
        return nginx(needs)
    if "haproxy" in words:
        return haproxy(needs)
    if "traefik" in words:
        return traefik(needs)
    return unknown(needs, class_name)


__all__ = ["Profile", "SecondIngress", "profile_of"]
