"""Which part of the spec a missing Secret is missing for."""

from collections.abc import Iterable, Iterator

from scoring_operator.api import ScoringService
from scoring_operator.manifests import Platform
from scoring_operator.status.observed import Observed
from scoring_operator.status.reasons import Reason
from scoring_operator.status.trouble import Trouble


def missing_secrets(service: ScoringService, observed: Observed) -> Trouble | None:
    """The trouble with Secrets that must exist: API keys while pods are wanted, and the TLS one.

    Pods that run keep the keys that they have read; only a new pod does not start without them.
    """
    return _trouble(service, _required(service), observed)


def missing_pull_secrets(
    service: ScoringService, platform: Platform, observed: Observed
) -> Trouble | None:
    """The trouble with Secrets for private registries; it matters where an image is not pulled."""
    names = [reference.name for reference in service.spec.image_pull_secrets]
    roles = [("imagePullSecrets", name) for name in [*names, *platform.image_pull_secrets]]
    return _trouble(service, roles, observed)


def _required(service: ScoringService) -> Iterator[tuple[str, str]]:
    spec = service.spec
    if spec.auth is not None and spec.fewest_replicas:
        yield "auth.apiKeys", spec.auth.api_keys.secret_name
    tls = spec.exposure.tls if spec.exposure is not None else None
    if tls is not None and tls.issuer_ref is None:
        yield "exposure.tls", tls.secret_name


def _trouble(
    service: ScoringService, roles: Iterable[tuple[str, str]], observed: Observed
) -> Trouble | None:
    missing = [f"{name} ({role})" for role, name in roles if name in observed.missing_secrets]
    if not missing:
        return None
    names = ", ".join(dict.fromkeys(missing))
    plural = "s" if len(missing) > 1 else ""
    message = f"Secret{plural} not found in namespace {service.metadata.namespace}: {names}"
    return Trouble(Reason.SECRET_NOT_FOUND, message)
