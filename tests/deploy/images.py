"""The project's images: built from this checkout and loaded onto an embedded cluster's node."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import containerd
from tests.cluster.console import step
from tests.cluster.images import ImageBuild, build
from tests.cluster.paths import REPOSITORY, cluster_paths


@dataclass(frozen=True)
class Images:
    """References of the images as a cluster knows them."""

    operator: str
    scoring: str


@dataclass(frozen=True)
class _Recipe:
    name: str
    folder: str
    target: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)


_OPERATOR = _Recipe("localhost/scoring-operator", "operator")
# ResNet-152 where its ImageNet weights can be downloaded; else EfficientNet-Lite0, which says so.
_SCORING = _Recipe(
    "localhost/scoring-image",
    "scoring_image",
    "cpu",
    {"IMAGE_MODEL": "resnet152", "IMAGE_MODEL_FALLBACK": "efficientnet-lite0"},
)


def build_and_load(cluster: str) -> Images:
    """Build both images, where the cache lacks them, and load them onto the node of `cluster`."""
    return Images(_ready(cluster, _OPERATOR), _ready(cluster, _SCORING))


def load(cluster: str, archive: Path, reference: str) -> None:
    """Load an image archive under the name `reference`."""
    with step(f"loading {reference}"):
        containerd.load_image(cluster_paths(cluster), archive, reference)


def scoring_archive() -> Path:
    """The archive of the scoring image, from the cache where it was built before."""
    return _build(_SCORING)


def _ready(cluster: str, recipe: _Recipe) -> str:
    archive = _build(recipe)
    # Tagged by content: what changed is rolled out, what did not is left alone.
    reference = f"{recipe.name}:{archive.stem}"
    load(cluster, archive, reference)
    return reference


def _build(recipe: _Recipe) -> Path:
    folder = REPOSITORY / recipe.folder
    return build(
        ImageBuild(
            dockerfile=folder / "Dockerfile",
            context=folder,
            tag=f"{recipe.name}:dev",
            target=recipe.target,
            arguments=recipe.arguments,
        )
    )
