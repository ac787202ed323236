"""Real servers for the client."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring_server.faq.training.run import train
from tests.server.colour_model import write_colour_model
from tests.server.server_process import ServerProcess

FAQ_DATA = Path(__file__).parents[2] / "scoring_image" / "faq_data"
KEY = "a-key-for-the-tests"


@pytest.fixture(scope="package")
def faq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The FAQ that the image ships, with its answers."""
    folder = tmp_path_factory.mktemp("faq")
    train(
        FAQ_DATA / "originals.csv",
        FAQ_DATA / "duplicates.csv",
        folder / "model",
        name="shipped",
        seed=0,
        none_threshold=0.5,
        answers_file=FAQ_DATA / "answers.csv",
    )
    variables = {
        "SCORING_MODEL_TYPE": "faq-matching",
        "SCORING_MODEL_PATH": str(folder / "model"),
        "SCORING_PATH_PREFIX": "/faq",
    }
    with ServerProcess(folder, **variables) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The colour model, which works on one request at a time and asks for a key."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "keys").mkdir()
    (folder / "keys" / "tests").write_text(KEY)
    variables = {
        "SCORING_MODEL_TYPE": "image-classification",
        "SCORING_MODEL_PATH": str(write_colour_model(folder / "model")),
        "SCORING_MAX_CONCURRENCY": "1",
        "SCORING_API_KEYS_DIR": str(folder / "keys"),
    }
    with ServerProcess(folder, **variables) as server:
        server.wait_until_ready()
        yield server
