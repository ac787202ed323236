"""What is served and on which hardware: spec.model, spec.hardware, spec.resources."""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from pydantic import Field

from scoring_operator.api.base import Model, Rule
from scoring_operator.api.quantities import Cpu, Memory, cpus, memory_bytes
from scoring_operator.api.types import (
    HttpUrl,
    ImageReference,
    Labels,
    ObjectName,
    ResourceName,
    Sha256,
    VolumePath,
)

ModelType = Literal["faq-matching", "image-classification"]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class PersistentVolumeClaimSource(Model):
    """A model artefact on a volume, mounted read-only."""

    claim_name: ObjectName
    """Name of a PersistentVolumeClaim in the namespace of the ScoringService."""
    path: VolumePath | None = None
    """Folder of the artefact inside the volume; the volume's root unless set."""


class ImageSource(Model):
    """A model artefact in an OCI image, mounted read-only as an image volume."""

    reference: ImageReference
    """Reference of the OCI image whose root folder is the model artefact."""
    pull_policy: PullPolicy = "IfNotPresent"
    """When the kubelet pulls the image: Always, IfNotPresent or Never."""


def _at_most_one_source(source: "ModelSource") -> bool:
    given = (source.persistent_volume_claim, source.image, source.url)
    return sum(value is not None for value in given) <= 1


class ModelSource(Model):
    """Where the model artefact comes from; without a source the model inside the scoring image is
    served.
    """

    rules = (
        Rule(
            "(has(self.persistentVolumeClaim) ? 1 : 0) + (has(self.image) ? 1 : 0)"
            " + (has(self.url) ? 1 : 0) <= 1",
            "give at most one of persistentVolumeClaim, image and url",
            _at_most_one_source,
        ),
        Rule(
            "has(self.url) == has(self.sha256)",
            "url and sha256 go together: the download is verified against the hash",
            lambda source: (source.url is None) == (source.sha256 is None),
        ),
    )

    persistent_volume_claim: PersistentVolumeClaimSource | None = None
    """A folder on a PersistentVolumeClaim."""
    image: ImageSource | None = None
    """An OCI image volume (Kubernetes 1.35 or newer, or the ImageVolume feature gate)."""
    url: HttpUrl | None = None
    """http(s) address of a tar archive (plain or gzip) of the model artefact."""
    sha256: Sha256 | None = None
    """SHA-256 of the archive in lower-case hexadecimal digits."""


class ServedModel(Model):
    """The model to serve."""

    type: ModelType = Field(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self == oldSelf",
                    "message": "the model type cannot be changed: create another ScoringService",
                }
            ]
        }
    )
    """faq-matching (scikit-learn) or image-classification (ResNet-152 by default); immutable."""
    source: ModelSource | None = None
    """Where the model artefact comes from; without it, the model inside the scoring image."""


class Gpu(Model):
    """The GPUs of one pod."""

    count: int = Field(default=1, ge=1, le=16)
    """GPUs per pod; one is right for all but unusual hardware."""
    resource_name: ResourceName = "nvidia.com/gpu"
    """Extended resource to request, e.g. nvidia.com/gpu, or nvidia.com/mig-1g.10gb for a slice. Its
    taint is tolerated.
    """
    node_selector: Labels = Field(default_factory=dict)
    """Further node labels that the pods ask for, e.g. a GPU product."""


class Hardware(Model):
    """What the model runs on."""

    rules = (
        Rule(
            "self.type == 'gpu' || !has(self.gpu)",
            "gpu settings need hardware.type: gpu",
            lambda hardware: hardware.type == "gpu" or hardware.gpu is None,
        ),
    )

    type: Literal["cpu", "gpu"] = "cpu"
    """cpu or gpu."""
    gpu: Gpu | None = None
    """GPU settings; only with type gpu."""


class ResourceAmounts(Model):
    """Amounts of compute resources."""

    cpu: Cpu | None = None
    """CPUs, e.g. 2, 0.5 or 500m."""
    memory: Memory | None = None
    """Bytes of memory, e.g. 4Gi."""


def _limit_rule(name: str, amount: Callable[[str], Decimal | int]) -> Rule:
    """The request of one resource stays within its limit, where both are given."""

    def within(resources: "Resources") -> bool:
        request = getattr(resources.requests, name, None)
        limit = getattr(resources.limits, name, None)
        return request is None or limit is None or amount(request) <= amount(limit)

    request, limit = f"self.requests.{name}", f"self.limits.{name}"
    return Rule(
        "!has(self.requests) || !has(self.limits)"
        f" || !(has({request}) && has({limit}))"
        f" || quantity(string({request})).compareTo(quantity(string({limit}))) <= 0",
        f"the {name} request must not exceed the {name} limit",
        within,
    )


def _bound_rule(name: str, amount: Callable[[str], Decimal | int]) -> Rule:
    """A limit of 0 is none at all to Kubernetes."""

    def bounds(resources: "Resources") -> bool:
        limit = getattr(resources.limits, name, None)
        return limit is None or amount(limit) > 0

    limit = f"self.limits.{name}"
    return Rule(
        f"!has(self.limits) || !has({limit})"
        f" || quantity(string({limit})).compareTo(quantity('0')) > 0",
        f"the {name} limit must be more than 0",
        bounds,
    )


class Resources(Model):
    """Compute resources of one pod. What is left out has a default by model and hardware."""

    rules = (
        _limit_rule("cpu", cpus),
        _limit_rule("memory", memory_bytes),
        _bound_rule("cpu", cpus),
        _bound_rule("memory", memory_bytes),
    )

    requests: ResourceAmounts | None = None
    """What the scheduler reserves; a limit without a request is the request too."""
    limits: ResourceAmounts | None = None
    """What a pod may use at most. Memory is always limited; CPU only if you say so here, since
    throttling lengthens the slowest answers. Threads follow the CPU limit, else the CPU request.
    """
