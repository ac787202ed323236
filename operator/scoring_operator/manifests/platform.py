"""Operator-wide defaults, set once by whoever installs the operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from scoring_operator.api.model import PullPolicy

PrivateModelUrls = Literal["never", "named", "always"]


@dataclass(frozen=True)
class Platform:
    """What a ScoringService gets where its spec says nothing."""

    cpu_image: str = "scoring-image:0.1.0-cpu"
    gpu_image: str = "scoring-image:0.1.0-gpu"
    image_pull_policy: PullPolicy = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    private_model_urls: PrivateModelUrls = "named"
    """Whether models are fetched from private networks: where a resource's URL leads there, but not
    where a public server redirects there (named), never, or always."""
    ingress_class: str | None = None
    """IngressClass of exposures that name none; None leaves it to the cluster's default."""
    wait_for_ingress_address: bool = True
    """Whether an Ingress counts as ready only once its controller has published an address."""
    pod_monitor_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of PodMonitors, by which a Prometheus selects them."""
    gpu_node_selector: Mapping[str, str] = field(default_factory=dict)
    """Node labels that pods with GPUs ask for."""
    gpu_tolerations: tuple[Mapping[str, str], ...] = ()
    """Taints that pods with GPUs tolerate, besides the one named like the resource."""
