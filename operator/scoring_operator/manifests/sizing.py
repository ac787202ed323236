"""What follows from model and hardware: default resources, processes, threads, strategy, timing."""

from dataclasses import dataclass
from typing import Final, Literal

from scoring_operator.api.model import Gpu, ResourceAmounts
from scoring_operator.api.quantities import (
    canonical_cpu,
    canonical_memory,
    cpus,
    memory_bytes,
)
from scoring_operator.api.spec import ScoringServiceSpec

# Between the end of the longest request and the kubelet's SIGKILL.
_TERMINATION_MARGIN_SECONDS: Final = 5
# A FAQ worker answers thousands of requests a second; more of them than this serve nobody.
_MAX_FAQ_WORKERS: Final = 8
# On a GPU workers decode for one process that computes: about 230 photographs a second each.
_MAX_DECODING_WORKERS: Final = 16


@dataclass(frozen=True)
class Amounts:
    """Canonical requests and limits of the scoring container, without its GPUs."""

    cpu_request: str
    memory_request: str
    cpu_limit: str | None
    memory_limit: str

    @property
    def cpus(self) -> float:
        """CPUs that threads may count on: the limit, else the request, never the node's cores."""
        return float(cpus(self.cpu_limit or self.cpu_request))


def _default_amounts(spec: ScoringServiceSpec) -> ResourceAmounts:
    if spec.model.type == "faq-matching":
        return ResourceAmounts(cpu="500m", memory="512Mi")
    if spec.hardware.type == "gpu":
        return ResourceAmounts(cpu="2", memory="6Gi")
    return ResourceAmounts(cpu="2", memory="2Gi")


def amounts(spec: ScoringServiceSpec) -> Amounts:
    """Requests and limits: the user's, completed by defaults that never contradict them.

    Memory is always limited, so that a leak ends in one pod's restart and not in the node's;
    CPU is limited only on request, since throttling lengthens the slowest answers.
    """
    default = _default_amounts(spec)
    request = spec.resources.requests or ResourceAmounts()
    limit = spec.resources.limits or ResourceAmounts()
    # As in Kubernetes, a limit without a request is the request.
    cpu_request = request.cpu or limit.cpu or default.cpu or "0"
    memory_request = request.memory or limit.memory or default.memory or "0"
    memory_limit = limit.memory or max(memory_request, default.memory or "0", key=memory_bytes)
    return Amounts(
        cpu_request=canonical_cpu(cpu_request),
        memory_request=canonical_memory(memory_request),
        cpu_limit=canonical_cpu(limit.cpu) if limit.cpu else None,
        memory_limit=canonical_memory(memory_limit),
    )


def gpu(spec: ScoringServiceSpec) -> Gpu | None:
    """The GPUs of a pod: none on CPU, one unless the spec says more."""
    return (spec.hardware.gpu or Gpu()) if spec.hardware.type == "gpu" else None


def workers(spec: ScoringServiceSpec) -> int:
    """Server processes in a pod.

    FAQ scoring holds Python's interpreter lock, so each CPU gets a process; so does decoding for a
    GPU. On CPUs image models use all of them from one process and would only multiply their memory.
    Each process has a share of maxConcurrency, so that there are no more processes than requests.
    """
    if spec.server.workers == "auto":
        wanted = min(max(1, int(amounts(spec).cpus)), _most_workers(spec))
    else:
        wanted = spec.server.workers
    concurrency = spec.request_limits.max_concurrency
    return wanted if concurrency == "auto" else min(wanted, concurrency)


def _most_workers(spec: ScoringServiceSpec) -> int:
    if spec.model.type == "faq-matching":
        return _MAX_FAQ_WORKERS
    return _MAX_DECODING_WORKERS if spec.hardware.type == "gpu" else 1


def threads(spec: ScoringServiceSpec) -> int:
    """Request threads in a process.

    A question takes 0.1 ms, so FAQ threads only bridge reading and writing, for as many connections
    as a few callers keep open. Images need a thread for each of the 64 that may be in the house, to
    keep batches filling, and some for refusals and probes.
    """
    if spec.server.threads != "auto":
        return spec.server.threads
    return 32 if spec.model.type == "faq-matching" else 80


def strategy(spec: ScoringServiceSpec) -> Literal["Surge", "InPlace"]:
    """How pods are replaced; a surge pod would never find a GPU on a full node."""
    if spec.rollout.strategy != "Auto":
        return spec.rollout.strategy
    return "InPlace" if spec.hardware.type == "gpu" else "Surge"


def termination_grace_seconds(spec: ScoringServiceSpec) -> int:
    """Seconds from the start of a pod's termination until the kubelet kills it."""
    timeout = spec.request_limits.timeout_seconds
    return spec.rollout.drain_seconds + timeout + _TERMINATION_MARGIN_SECONDS
