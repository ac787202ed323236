"""The kinds of object that a ScoringService may own."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ChildKind:
    """A kind of child, as the Kubernetes API addresses it.

    An `optional` one comes with software that a cluster may lack, or get later.
    """

    api_version: str
    kind: str
    plural: str
    optional: bool = False


CHILD_KINDS: Final = (
    ChildKind("apps/v1", "Deployment", "deployments"),
    ChildKind("v1", "Service", "services"),
    ChildKind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ChildKind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ChildKind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    ChildKind("networking.k8s.io/v1", "Ingress", "ingresses"),
    ChildKind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes", optional=True),
    ChildKind("cert-manager.io/v1", "Certificate", "certificates", optional=True),
    ChildKind("monitoring.coreos.com/v1", "PodMonitor", "podmonitors", optional=True),
    ChildKind("traefik.io/v1alpha1", "Middleware", "middlewares", optional=True),
)
