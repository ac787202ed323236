"""One server for each model, for all tests of a file, which must outlive every attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.attacks.target import Target
from tests.server.runtime.conftest import (
    colour_model,
    faq_model,
    faq_variables,
    image_variables,
)

__all__ = ["colour_model", "faq_model"]


@pytest.fixture(scope="module")
def faq(faq_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    variables = {**faq_variables(faq_model), "SCORING_WORKERS": "1"}
    with Target(tmp_path_factory.mktemp("faq"), **variables) as target:
        yield target
        target.check_unharmed()


@pytest.fixture(scope="module")
def images(colour_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Target(tmp_path_factory.mktemp("images"), **image_variables(colour_model)) as target:
        yield target
        target.check_unharmed()
