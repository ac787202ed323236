"""What every ingress controller has to be told, each in its own words."""

from dataclasses import dataclass
from typing import Final, Self

from scoring_operator.api import ScoringService
from scoring_operator.api.quantities import memory_bytes

# The server refuses a late request itself and says why; the proxy in front must still listen then.
TIMEOUT_MARGIN_SECONDS: Final = 5


@dataclass(frozen=True)
class Needs:
    """What an exposure needs of the proxy in front of the pods."""

    namespace: str
    name: str
    tls: bool
    redirect: bool
    """Whether plain HTTP is redirected to HTTPS; never without TLS."""
    body_bytes: int
    """Largest body that must pass."""
    timeout_seconds: int
    """How long the proxy must wait for an answer."""
    requests_per_second: int | None
    """Limit per client address; None for no limit."""

    @classmethod
    def of(cls, service: ScoringService) -> Self:
        """The needs of a service that is exposed."""
        exposure, limits = service.spec.exposure, service.spec.request_limits
        if exposure is None:
            raise ValueError("the service is not exposed")
        limit = exposure.rate_limit
        return cls(
            namespace=service.metadata.namespace,
            name=service.metadata.name,
            tls=exposure.https,
            redirect=exposure.https and exposure.redirect_to_https,
            body_bytes=memory_bytes(limits.max_body_size),
            timeout_seconds=limits.timeout_seconds + TIMEOUT_MARGIN_SECONDS,
            requests_per_second=None if limit is None else limit.requests_per_second,
        )
