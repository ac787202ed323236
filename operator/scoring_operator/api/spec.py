"""The spec of a ScoringService."""

from typing import Literal

from pydantic import Field

from scoring_operator.api.autoscaling import Autoscaling
from scoring_operator.api.base import Model, Rule
from scoring_operator.api.exposure import Exposure
from scoring_operator.api.model import Hardware, Resources, ServedModel
from scoring_operator.api.network import NetworkPolicySettings, ServiceSettings
from scoring_operator.api.pod import PodTemplate
from scoring_operator.api.server import Auth, Monitoring, RequestLimits, ServerSettings
from scoring_operator.api.types import ImageReference, ObjectName, list_map


class SecretReference(Model):
    """A Secret in the same namespace."""

    name: ObjectName
    """Name of the Secret."""


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
    """Seconds without progress after which a roll-out counts as failed: Stalled is True then, and
    the old pods go on.
    """


class Availability(Model):
    """What keeps the service up while nodes are drained or fail."""

    pod_disruption_budget: Literal["Auto", "Disabled"] = "Auto"
    """Auto: a PodDisruptionBudget that lets one pod go at a time; none below two pods, where it
    would block drains.
    """
    topology_spread: Literal["Auto", "Disabled"] = "Auto"
    """Auto: pods are spread over nodes and zones where possible."""


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
            "!has(self.server) || self.server.torchCompile != 'Enabled'"
            " || (has(self.hardware) && self.hardware.type == 'gpu')",
            "server.torchCompile needs hardware.type gpu",
            lambda spec: spec.server.torch_compile != "Enabled" or spec.hardware.type == "gpu",
        ),
        Rule(
            "(has(self.rollout) ? self.rollout.progressDeadlineSeconds : 900)"
            " > (has(self.startup) ? self.startup.timeoutSeconds : 300)",
            "rollout.progressDeadlineSeconds (900 unless set) must exceed startup.timeoutSeconds"
            " (300 unless set)",
            lambda spec: spec.rollout.progress_deadline_seconds > spec.startup.timeout_seconds,
        ),
        Rule(
            "!has(self.replicas) || !has(self.autoscaling)",
            "give at most one of replicas and autoscaling",
            lambda spec: spec.replicas is None or spec.autoscaling is None,
        ),
    )

    model: ServedModel
    """The model to serve."""
    image: ImageReference | None = None
    """The scoring image; the operator's default for the hardware unless set (see status.image)."""
    image_pull_secrets: list[SecretReference] = Field(
        default_factory=list, max_length=16, json_schema_extra=list_map("name")
    )
    """Secrets of type kubernetes.io/dockerconfigjson in the same namespace, for private registries;
    the operator's own are added.
    """
    # The default makes the API server fill in the type, which a printer column shows.
    hardware: Hardware = Field(default_factory=Hardware, json_schema_extra={"default": {}})
    """What the model runs on; CPU unless set."""
    resources: Resources = Field(default_factory=Resources)
    """Compute resources of one pod. Unless set: 500m CPU and 512Mi for FAQ matching; 2 CPUs and 2Gi
    for images on CPU, 6Gi on GPU.
    """
    replicas: int | None = Field(default=None, ge=0, le=1000)
    """Number of pods; 1 unless set, 0 stops them. `kubectl scale` writes it, so set it if you use
    that. Not together with autoscaling.
    """
    autoscaling: Autoscaling | None = None
    """A HorizontalPodAutoscaler decides the number of pods, instead of replicas."""
    server: ServerSettings = Field(default_factory=ServerSettings)
    """Processes, threads and batches of the scoring server; auto is right in most cases."""
    request_limits: RequestLimits = Field(default_factory=RequestLimits)
    """What one request may cost, and how many a pod accepts at a time."""
    startup: Startup = Field(default_factory=Startup)
    """How long a pod may take to start."""
    rollout: Rollout = Field(default_factory=Rollout)
    """How a change reaches the pods."""
    availability: Availability = Field(default_factory=Availability)
    """What keeps the service up while nodes are drained or fail."""
    auth: Auth | None = None
    """Who may call the service; everyone who reaches it unless set. Health and metrics stay open.
    """
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    """The Kubernetes Service in front of the pods."""
    exposure: Exposure | None = None
    """How the service is reached from outside the cluster; not at all unless set."""
    network_policy: NetworkPolicySettings = Field(default_factory=NetworkPolicySettings)
    """A NetworkPolicy around the pods: only the serving port is open, and nothing leaves but DNS
    and the download of the model. It works where the cluster's network plugin enforces policies.
    """
    monitoring: Monitoring = Field(default_factory=Monitoring)
    """Collection of the metrics, and the log level."""
    pod_template: PodTemplate = Field(default_factory=PodTemplate)
    """Additions to the serving pods: labels, environment variables, where they run. Security
    settings belong to the operator.
    """
    suspend: bool = False
    """Whether to stop all pods for now. The Service and all settings stay, replicas and autoscaling
    too, for when it is false again.
    """

    @property
    def scaler(self) -> Autoscaling | None:
        """The autoscaling in force now: none while suspended."""
        return None if self.suspend else self.autoscaling

    @property
    def desired_replicas(self) -> int | None:
        """Pods that should run now; None where the autoscaler decides."""
        if self.suspend:
            return 0
        if self.autoscaling is not None:
            return None
        return 1 if self.replicas is None else self.replicas

    @property
    def fewest_replicas(self) -> int:
        """Pods that run at least, as soon as all is well."""
        if self.scaler is not None:
            return self.scaler.min_replicas
        return self.desired_replicas or 0
