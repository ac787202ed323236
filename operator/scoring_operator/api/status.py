"""The status of a ScoringService: the shape of what the operator reports."""

from typing import Annotated, Literal

from pydantic import Field

from scoring_operator.api.base import Model
from scoring_operator.api.types import list_map

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, Field(max_length=1024)]
Time = Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})]
ReasonName = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
]
Quantities = dict[Annotated[str, Field(max_length=317)], Annotated[str, Field(max_length=64)]]


class Condition(Model):
    """One aspect of the service's state, as metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=64)]
    """The aspect."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: ReasonName
    """Why, in one word."""
    message: Annotated[str, Field(max_length=4096)]
    """Why, in a sentence for people."""
    last_transition_time: Time
    """When status last changed."""
    observed_generation: Count = 0
    """The generation that this was said of."""


class Effective(Model):
    """What holds where the spec leaves it open, or on Auto."""

    strategy: Literal["Surge", "InPlace"]
    """How a change reaches the pods."""
    workers: Count
    """Server processes per pod."""
    threads: Count
    """Request threads per process."""
    requests: Quantities = Field(default_factory=dict, max_length=8)
    """Resources that a pod reserves."""
    limits: Quantities = Field(default_factory=dict, max_length=8)
    """Resources that a pod may use."""
    pod_disruption_budget: bool = False
    """Whether there is a PodDisruptionBudget."""
    topology_spread: bool = False
    """Whether pods are spread over nodes and zones."""
    pod_monitor: bool = False
    """Whether there is a PodMonitor."""


class LoadedModel(Model):
    """The model that a serving pod reports."""

    name: Annotated[str, Field(max_length=253)]
    """Name of the artefact."""
    digest: Annotated[str, Field(max_length=128)]
    """Digest of the artefact."""
    weights: Annotated[str, Field(max_length=64)]
    """trained, the name of public weights, or random: then its answers mean nothing."""


class Failure(Model):
    """The last thing that went wrong; kept after it is over."""

    pod: Annotated[str, Field(max_length=253)] | None = None
    """Name of the pod, if it was a pod's."""
    reason: ReasonName
    """Why, in one word."""
    message: Text
    """The scheduler's, the kubelet's, the API server's or the scoring server's own words."""
    time: Time
    """When it was first seen."""


class ScoringServiceStatus(Model):
    """What the operator observed. `kubectl wait --for=condition=Ready` works."""

    observed_generation: Count = 0
    """The generation of the spec that this status is about."""
    url: Annotated[str, Field(max_length=2048)] | None = None
    """Where to POST scoring requests: from outside the cluster if the service is exposed."""
    internal_url: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, alias="internalURL"
    )
    """Where to POST scoring requests inside the cluster."""
    replicas: Count = 0
    """Pods that exist."""
    ready_replicas: Count = 0
    """Pods that are ready."""
    updated_replicas: Count = 0
    """Pods of the current spec."""
    available_replicas: Count = 0
    """Pods that serve."""
    selector: Annotated[str, Field(max_length=253)] | None = None
    """Label selector of the pods, for the scale subresource."""
    image: Annotated[str, Field(max_length=512)] | None = None
    """The scoring image in use."""
    model: LoadedModel | None = None
    """The model that a serving pod reports."""
    effective: Effective | None = None
    """What holds where the spec leaves it open, or on Auto."""
    conditions: list[Condition] = Field(
        default_factory=list, max_length=16, json_schema_extra=list_map("type")
    )
    """Ready, Available, ModelLoaded; where they apply ExposureReady, CertificateReady and
    AutoscalingActive; and while abnormal Reconciling, Stalled, Suspended.
    """
    last_failure: Failure | None = None
    """The last thing that went wrong; kept after it is over."""
