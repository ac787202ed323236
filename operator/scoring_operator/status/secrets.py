"""Which part of the spec a missing Secret is missing for."""

from collections.abc import Iterable

from scoring_operator.api import ScoringService
from scoring_operator.manifests import Platform
from scoring_operator.manifests.secrets import KEYS, PULL, pull_secrets, required_secrets
from scoring_operator.status.observed import Observed
from scoring_operator.status.reasons import Reason
from scoring_operator.status.trouble import Trouble


def missing_secrets(service: ScoringService, observed: Observed) -> Trouble | None:
    """The trouble with Secrets that must exist: API keys while pods are wanted, and the TLS one.

    Pods that run keep the keys that they have read; only a new pod does not start without them.
    """
    needed = required_secrets(service.spec)
    if not service.spec.fewest_replicas:
        needed = ((role, name) for role, name in needed if role != KEYS)
    return _trouble(service, needed, observed)


def missing_pull_secrets(
    service: ScoringService, platform: Platform, observed: Observed
) -> Trouble | None:
    """The trouble with Secrets for private registries; it matters where an image is not pulled."""
    roles = [(PULL, name) for name in pull_secrets(service.spec, platform)]
    return _trouble(service, roles, observed)


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
