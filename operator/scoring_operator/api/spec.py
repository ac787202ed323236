"""The spec of a ScoringService."""

from typing import Literal

from pydantic import Field

from scoring_operator.api.base import Model, Rule
from scoring_operator.api.model import Hardware, Resources, ServedModel
from scoring_operator.api.pod import PodTemplate
from scoring_operator.api.types import Annotations, ImageReference, ObjectName, list_map


class SecretReference(Model):
    """A Secret in the same namespace."""

    name: ObjectName
    """Name of the Secret."""


class ServiceSettings(Model):
    """The Kubernetes Service in front of the pods."""

    type: Literal["ClusterIP", "LoadBalancer", "NodePort"] = "ClusterIP"
    """ClusterIP, LoadBalancer or NodePort."""
    port: int = Field(default=80, ge=1, le=65535)
    """Port of the Service."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Service, e.g. for a cloud's load balancer."""


class Startup(Model):
    """How long a pod may take to start."""

    timeout_seconds: int = Field(default=300, ge=10, le=3600)
    """Seconds for loading and warming the model; after them the container is restarted."""


class Rollout(Model):
    """How a change reaches the pods."""

    strategy: Literal["Auto", "Surge", "InPlace"] = "Auto"
    """Surge starts a new pod before it stops an old one, InPlace stops first (for scarce GPUs).
    Auto: Surge on CPU, InPlace on GPU.
    """
    drain_seconds: int = Field(default=15, ge=0, le=600)
    """Seconds in which a stopping pod still accepts requests, until load balancers have noticed."""
    progress_deadline_seconds: int = Field(default=900, ge=30, le=7200)
    """Seconds without progress after which a roll-out counts as failed."""


class ScoringServiceSpec(Model):
    """What to serve, on which hardware, and how many times."""

    rules = (
        Rule(
            "self.model.type != 'faq-matching' || !has(self.hardware)"
            " || self.hardware.type == 'cpu'",
            "faq-matching runs on CPU: a GPU would stand idle",
            lambda spec: spec.model.type != "faq-matching" or spec.hardware.type == "cpu",
        ),
        Rule(
            "(has(self.rollout) ? self.rollout.progressDeadlineSeconds : 900)"
            " > (has(self.startup) ? self.startup.timeoutSeconds : 300)",
            "rollout.progressDeadlineSeconds (900 unless set) must exceed startup.timeoutSeconds"
            " (300 unless set)",
            lambda spec: spec.rollout.progress_deadline_seconds > spec.startup.timeout_seconds,
        ),
    )

    model: ServedModel
    """The model to serve."""
    image: ImageReference | None = None
    """The scoring image; without it the operator's default for the hardware."""
    image_pull_secrets: list[SecretReference] = Field(
        default_factory=list, max_length=16, json_schema_extra=list_map("name")
    )
    """Secrets for pulling from private registries."""
    # The default makes the API server fill in the type, which a printer column shows.
    hardware: Hardware = Field(default_factory=Hardware, json_schema_extra={"default": {}})
    """CPU or GPU."""
    resources: Resources = Field(default_factory=Resources)
    """Compute resources of one pod. What is left out has a default by model and hardware."""
    replicas: int | None = Field(default=None, ge=0, le=1000)
    """Number of pods; 1 unless set. Set it when `kubectl scale` is to be used."""
    startup: Startup = Field(default_factory=Startup)
    """How long a pod may take to start."""
    rollout: Rollout = Field(default_factory=Rollout)
    """How a change reaches the pods."""
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    """The Kubernetes Service in front of the pods."""
    pod_template: PodTemplate = Field(default_factory=PodTemplate)
    """Additions to the serving pods."""
    suspend: bool = False
    """Whether to stop all pods for now; everything else stays, and replicas is kept."""

    @property
    def desired_replicas(self) -> int:
        """Pods that should run now."""
        if self.suspend:
            return 0
        return 1 if self.replicas is None else self.replicas
