"""One server for each model, with a key, for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring_server.faq.training.run import train
from tests.server.attacks.target import Target
from tests.server.colour_model import write_colour_model
from tests.server.runtime.conftest import FAQ_DATA, faq_variables, image_variables

KEY = "protocols-0123456789abcdef"
PREFIX = "/team/service"


@pytest.fixture(scope="module")
def faq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("faq")
    train(
        FAQ_DATA / "originals.csv",
        FAQ_DATA / "duplicates.csv",
        folder / "model",
        name="shipped",
        seed=0,
    )
    yield from _serving(folder, faq_variables(folder / "model"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("images")
    yield from _serving(folder, image_variables(write_colour_model(folder / "model")))


def _serving(folder: Path, variables: dict[str, str]) -> Iterator[Target]:
    keys = folder / "keys"
    keys.mkdir()
    (keys / "tests").write_text(KEY)
    more = {"SCORING_API_KEYS_DIR": str(keys), "SCORING_PATH_PREFIX": PREFIX}
    with Target(folder, **variables, **more, SCORING_WORKERS="1") as server:
        yield server
        server.check_unharmed()
