"""Models and servers that several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring_server.faq.training.run import train
from tests.server.colour_model import write_colour_model
from tests.server.server_process import ServerProcess

FAQ_DATA = Path(__file__).parents[3] / "scoring_image" / "faq_data"


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_model(tmp_path_factory.mktemp("models") / "colour")


@pytest.fixture(scope="session")
def faq_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "faq"
    train(
        FAQ_DATA / "originals.csv",
        FAQ_DATA / "duplicates.csv",
        directory,
        name="shipped",
        seed=0,
        none_threshold=0.5,
    )
    return directory


@pytest.fixture
def images(colour_model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the colour model that has just become ready."""
    with ServerProcess(tmp_path, **image_variables(colour_model)) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture
def faq(faq_model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the FAQ that the image ships, with two workers, that has just become ready."""
    with ServerProcess(tmp_path, **faq_variables(faq_model), SCORING_WORKERS="2") as server:
        server.wait_until_ready()
        server.wait_for_workers(2)
        yield server


def image_variables(model: Path) -> dict[str, str]:
    return {"SCORING_MODEL_TYPE": "image-classification", "SCORING_MODEL_PATH": str(model)}


def faq_variables(model: Path) -> dict[str, str]:
    return {"SCORING_MODEL_TYPE": "faq-matching", "SCORING_MODEL_PATH": str(model)}
