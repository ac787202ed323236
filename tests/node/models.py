"""Model archives for the tests, good and bad."""

import io
import json
import shutil
import tarfile
from pathlib import Path

from scoring_server.faq.cli import main as scoring_faq
from scoring_server.images.cli import main as scoring_image
from tests.cluster.images import ImageBuild, build
from tests.deploy.images import load

REPOSITORY = Path(__file__).parents[2]


def train(originals: Path, duplicates: Path, output: Path, name: str) -> Path:
    """An artefact made by `scoring-faq train`."""
    arguments = ["--originals", str(originals), "--duplicates", str(duplicates)]
    assert scoring_faq(["train", *arguments, "--output", str(output), "--name", name]) == 0
    return output


def small_artefact(output: Path) -> Path:
    """The project's own FAQ, trained."""
    data = REPOSITORY / "scoring_image" / "faq_data"
    return train(data / "originals.csv", data / "duplicates.csv", output, "small")


def random_classifier(output: Path) -> Path:
    """An image model with seeded random weights: quick to make, and its answers mean nothing."""
    network = ["--architecture", "shufflenet_v2_x0_5", "--weights", "random", "--seed", "0"]
    scoring_image(["export", *network, "--to", str(output)])
    return output


def archive(artefact: Path) -> bytes:
    """An artefact as a gzipped tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(artefact.iterdir()):
            tar.add(path, arcname=path.name)
    return buffer.getvalue()


def payload(artefact: Path) -> Path:
    """A payload file of an artefact."""
    manifest = json.loads((artefact / "model.json").read_text())
    return artefact / str(sorted(manifest["files"])[0])


def damaged(artefact: Path) -> Path:
    """The artefact with one byte of its payload flipped."""
    path = payload(artefact)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return artefact


def with_pickle(artefact: Path) -> Path:
    """The artefact with a pickle beside its payload."""
    (artefact / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    return artefact


def load_as_image(cluster: str, artefact: Path, scratch: Path) -> str:
    """An OCI image that holds just the artefact, on the cluster's node; its reference."""
    tag = "localhost/faq-model:1"
    context = scratch / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY model /\n")
    shutil.copytree(artefact, context / "model")
    built = build(ImageBuild(context / "Dockerfile", context, tag, arguments={"BASE_IMAGE": ""}))
    load(cluster, built, tag)
    return tag
