"""How the service is reached from outside the cluster: spec.exposure."""

from typing import Literal

from pydantic import Field

from scoring_operator.api.base import Model, Rule
from scoring_operator.api.types import Annotations, HostName, ObjectName, SectionName, UrlPath


class IssuerReference(Model):
    """A cert-manager issuer."""

    kind: Literal["Issuer", "ClusterIssuer"] = "Issuer"
    """Issuer (same namespace) or ClusterIssuer."""
    name: ObjectName
    """Name of the issuer."""


class Tls(Model):
    """The certificate of the host."""

    secret_name: ObjectName
    """Secret of type kubernetes.io/tls in the same namespace. With issuerRef, cert-manager writes
    it; without, it must exist.
    """
    issuer_ref: IssuerReference | None = None
    """Who issues the certificate; needs cert-manager."""


class IngressSettings(Model):
    """Settings of the Ingress."""

    class_name: ObjectName | None = None
    """IngressClass; the operator's default, else the cluster's, unless set."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Ingress; they win over the operator's own."""


class ParentReference(Model):
    """A Gateway."""

    name: ObjectName
    """Name of the Gateway."""
    namespace: ObjectName | None = None
    """Its namespace; the service's own unless set."""


class GatewaySettings(Model):
    """The Gateway that the routes attach to. TLS is the Gateway's: its listeners have the
    certificates.
    """

    parent_ref: ParentReference
    """The Gateway."""
    http_section: SectionName = "http"
    """Name of its HTTP listener, which redirects."""
    https_section: SectionName = "https"
    """Name of its HTTPS listener, which serves."""


class RateLimit(Model):
    """A limit on requests from one client address."""

    requests_per_second: int = Field(ge=1, le=1_000_000)
    """Requests a second that one client may send; what is more is refused with 429 or 503."""


class Exposure(Model):
    """A host name outside the cluster, over HTTPS."""

    rules = (
        Rule(
            "(has(self.api) && self.api == 'Gateway') == has(self.gateway)",
            "api: Gateway and gateway.parentRef go together",
            lambda exposure: (exposure.api == "Gateway") == (exposure.gateway is not None),
        ),
        Rule(
            "!has(self.gateway) || !has(self.ingress)",
            "ingress settings need api: Ingress",
            lambda exposure: exposure.gateway is None or exposure.ingress is None,
        ),
        Rule(
            "!has(self.gateway) || !has(self.tls)",
            "with api: Gateway the certificate belongs to the Gateway's listener: leave out tls",
            lambda exposure: exposure.gateway is None or exposure.tls is None,
        ),
        Rule(
            "!has(self.gateway) || !has(self.rateLimit)",
            "the Gateway API has no rate limit: attach your implementation's policy to the route",
            lambda exposure: exposure.gateway is None or exposure.rate_limit is None,
        ),
    )

    api: Literal["Ingress", "Gateway"] = "Ingress"
    """Ingress, or Gateway for HTTPRoutes of the Gateway API."""
    host: HostName
    """Host name, e.g. faq.example.com."""
    path: UrlPath = "/"
    """Path in front of /score, e.g. /faq: several services can share a host."""
    tls: Tls | None = None
    """The certificate. Without it an Ingress serves plain HTTP."""
    redirect_to_https: bool = Field(default=True, alias="redirectToHTTPS")
    """Whether plain HTTP is redirected to HTTPS; without TLS it is not."""
    ingress: IngressSettings | None = None
    """Settings of the Ingress."""
    gateway: GatewaySettings | None = None
    """The Gateway that the routes attach to."""
    rate_limit: RateLimit | None = None
    """A limit on requests from one client address."""

    @property
    def https(self) -> bool:
        """Whether the outside address is https."""
        return self.gateway is not None or self.tls is not None

    @property
    def prefix(self) -> str:
        """The path without a slash at its end; empty for the root."""
        return self.path.rstrip("/")

    @property
    def url(self) -> str:
        """Where to POST scoring requests from outside."""
        return f"{'https' if self.https else 'http'}://{self.host}{self.prefix}/score"
