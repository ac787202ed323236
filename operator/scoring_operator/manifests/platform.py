"""Operator-wide defaults, set once by whoever installs the operator."""

from dataclasses import dataclass

from scoring_operator.api.model import PullPolicy


@dataclass(frozen=True)
class Platform:
    """What a ScoringService gets where its spec says nothing."""

    cpu_image: str = "scoring-image:0.1.0-cpu"
    gpu_image: str = "scoring-image:0.1.0-gpu"
    image_pull_policy: PullPolicy = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
