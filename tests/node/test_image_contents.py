"""What the CPU image holds: it is pulled by every node that serves."""

import gzip
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.images import scoring_archive
from tests.node.conftest import Product

pytestmark = pytest.mark.node

# It was 349 with EfficientNet-Lite0; the weights of ResNet-152 take 110 more.
_MOST_MEGABYTES = 700


def entries(archive: Path) -> Iterator[tarfile.TarInfo]:
    """Every file of every layer of an OCI image, as it is unpacked."""
    with tarfile.open(archive) as image:

        def read(name: str) -> Any:
            found = image.extractfile(name)
            assert found is not None
            return found

        def blob(digest: str) -> str:
            return "blobs/" + digest.replace(":", "/")

        index = json.load(read("index.json"))
        manifest = json.load(read(blob(index["manifests"][0]["digest"])))
        for layer in manifest["layers"]:
            stream = read(blob(layer["digest"]))
            if layer["mediaType"].endswith("gzip"):
                stream = gzip.GzipFile(fileobj=stream)
            with tarfile.open(fileobj=stream, mode="r|") as content:
                yield from content


def test_the_cpu_image_is_small_and_holds_nothing_that_serving_does_not_need(
    product: Product,
) -> None:
    if not product.cluster.is_embedded:
        pytest.skip("needs the image that was built from this checkout")
    size = 0
    packages = set()
    for entry in entries(scoring_archive()):
        size += entry.size
        if "/site-packages/" in entry.name:
            packages.add(entry.name.split("/site-packages/")[1].split("/")[0])
    assert size < _MOST_MEGABYTES * 1e6
    assert "openvino" in packages
    assert not packages & {"torch", "torchvision", "sklearn", "nncf", "pip"}
