"""The Secrets that a service names, and which part of the spec names them."""

from collections.abc import Iterator
from typing import Final

from scoring_operator.api.spec import ScoringServiceSpec
from scoring_operator.manifests.platform import Platform

KEYS: Final = "auth.apiKeys"
TLS: Final = "exposure.tls"
PULL: Final = "imagePullSecrets"


def required_secrets(spec: ScoringServiceSpec) -> Iterator[tuple[str, str]]:
    """Part of the spec and name of each Secret that must exist; not those for pulling images.

    The Secret of a certificate that cert-manager is asked for comes with the certificate.
    """
    if spec.auth is not None:
        yield KEYS, spec.auth.api_keys.secret_name
    tls = spec.exposure.tls if spec.exposure is not None else None
    if tls is not None and tls.issuer_ref is None:
        yield TLS, tls.secret_name


def pull_secrets(spec: ScoringServiceSpec, platform: Platform) -> list[str]:
    """Names of the Secrets for private registries: the spec's, then the operator's defaults."""
    named = [reference.name for reference in spec.image_pull_secrets]
    return list(dict.fromkeys([*named, *platform.image_pull_secrets]))
