"""How the model artefact reaches the container: volumes, mounts and the fetching init container."""

from dataclasses import dataclass, field
from typing import Any, Final

from scoring_operator.api.model import ModelSource
from scoring_operator.manifests.platform import Platform

MODEL_ROOT: Final = "/models"
_VOLUME: Final = "model"
_STANDARD: Final = Platform().private_model_urls


@dataclass(frozen=True)
class ModelDelivery:
    """What a model source adds to the pod; nothing for the model inside the image."""

    path: str | None = None
    volumes: list[dict[str, Any]] = field(default_factory=list)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    # Arguments of `scoring-fetch`, where the artefact must be downloaded first.
    fetch: list[str] | None = None


def deliver(source: ModelSource | None, platform: Platform) -> ModelDelivery:
    """The delivery of a model source."""
    if source is None:
        return ModelDelivery()
    read_only = [{"name": _VOLUME, "mountPath": MODEL_ROOT, "readOnly": True}]
    if claim := source.persistent_volume_claim:
        volume = {"persistentVolumeClaim": {"claimName": claim.claim_name, "readOnly": True}}
        path = f"{MODEL_ROOT}/{claim.path}" if claim.path else MODEL_ROOT
        return ModelDelivery(path, [{"name": _VOLUME, **volume}], read_only)
    if image := source.image:
        volume = {"image": {"reference": image.reference, "pullPolicy": image.pull_policy}}
        return ModelDelivery(MODEL_ROOT, [{"name": _VOLUME, **volume}], read_only)
    if source.url is not None and source.sha256 is not None:
        return ModelDelivery(
            MODEL_ROOT,
            [{"name": _VOLUME, "emptyDir": {"sizeLimit": "8Gi"}}],
            read_only,
            _fetch(source.url, source.sha256, platform),
        )
    return ModelDelivery()


def _fetch(url: str, sha256: str, platform: Platform) -> list[str]:
    arguments = ["--url", url, "--sha256", sha256, "--to", MODEL_ROOT]
    if platform.private_model_urls != _STANDARD:
        # The default is left out: images of before it was there do not know the option.
        arguments += ["--private-addresses", platform.private_model_urls]
    return arguments
