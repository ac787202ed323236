"""Inside the cluster: spec.service and spec.networkPolicy."""

from typing import Literal

from pydantic import Field

from scoring_operator.api.affinity import LabelSelector
from scoring_operator.api.base import Model, Rule
from scoring_operator.api.types import ATOMIC, Annotations, Cidr


class ServiceSettings(Model):
    """The Kubernetes Service in front of the pods."""

    rules = (
        Rule(
            "!has(self.loadBalancerSourceRanges) || size(self.loadBalancerSourceRanges) == 0"
            " || (has(self.type) && self.type == 'LoadBalancer')",
            "loadBalancerSourceRanges need type: LoadBalancer",
            lambda service: (
                not service.load_balancer_source_ranges or service.type == "LoadBalancer"
            ),
        ),
    )

    type: Literal["ClusterIP", "LoadBalancer", "NodePort"] = "ClusterIP"
    """ClusterIP: inside the cluster alone. LoadBalancer and NodePort open it to the outside,
    without TLS; exposure is the way with TLS.
    """
    port: int = Field(default=80, ge=1, le=65535)
    """Port of the Service."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Service, e.g. for a cloud's load balancer."""
    load_balancer_source_ranges: list[Cidr] = Field(
        default_factory=list, max_length=64, json_schema_extra=ATOMIC
    )
    """Addresses that may use the load balancer, in CIDR notation; all unless set."""


class NetworkPeer(Model):
    """Pods or addresses that may call the service."""

    rules = (
        Rule(
            "has(self.cidr) != (has(self.podSelector) || has(self.namespaceSelector))",
            "give either cidr, or podSelector and namespaceSelector",
            lambda peer: (
                (peer.cidr is not None)
                != (peer.pod_selector is not None or peer.namespace_selector is not None)
            ),
        ),
    )

    pod_selector: LabelSelector | None = None
    """Pods with these labels; of the own namespace unless namespaceSelector is given."""
    namespace_selector: LabelSelector | None = None
    """Pods of namespaces with these labels."""
    cidr: Cidr | None = None
    """Addresses, e.g. 10.0.0.0/8."""


class NetworkPolicySettings(Model):
    """A NetworkPolicy around the pods: only the serving port is open, and nothing leaves but DNS
    and the download of the model.
    """

    enabled: bool = True
    """Whether there is a NetworkPolicy."""
    from_: list[NetworkPeer] = Field(
        default_factory=list, max_length=32, alias="from", json_schema_extra=ATOMIC
    )
    """Who may call the serving port; everyone unless set. Name the ingress controller,
    Prometheus and the operator (it asks pods for their model's name) too.
    """
