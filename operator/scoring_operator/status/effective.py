"""What holds where the spec leaves it open: status.effective."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests import sizing
from scoring_operator.status.observed import Observed


def effective(service: ScoringService, observed: Observed) -> dict[str, Any]:
    """Sizes, strategy and what the settings on Auto came to, the last as seen of the children."""
    spec, name = service.spec, service.metadata.name
    amounts, gpu = sizing.amounts(spec), sizing.gpu(spec)
    requests = {"cpu": amounts.cpu_request, "memory": amounts.memory_request}
    limits = {"memory": amounts.memory_limit}
    if amounts.cpu_limit is not None:
        limits["cpu"] = amounts.cpu_limit
    if gpu is not None:
        requests[gpu.resource_name] = limits[gpu.resource_name] = str(gpu.count)
    deployment = observed.children.get(("Deployment", name), {})
    pod = deployment.get("spec", {}).get("template", {}).get("spec", {})
    return {
        "strategy": sizing.strategy(spec),
        "workers": sizing.workers(spec),
        "threads": sizing.threads(spec),
        "requests": requests,
        "limits": limits,
        "podDisruptionBudget": ("PodDisruptionBudget", name) in observed.children,
        "topologySpread": bool(pod.get("topologySpreadConstraints")),
        "podMonitor": ("PodMonitor", name) in observed.children,
    }
