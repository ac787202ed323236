import numpy as np
import pytest

from scoring_server.artefact import ModelLoadError
from scoring_server.images.calibration import Calibration
from scoring_server.images.warming import warm
from tests.server.images.fakes import ColourBackend


@pytest.fixture
def backend() -> ColourBackend:
    return ColourBackend()


def test_each_batch_size_is_computed_before_the_first_request(backend: ColourBackend) -> None:
    found = warm(backend, classes=3, size=32, max_batch=4)
    assert backend.batches == [1, 2, 4]
    assert found == Calibration(4, measured=False, images_per_second={})


def test_without_a_batch_size_the_best_is_measured(backend: ColourBackend) -> None:
    found = warm(backend, classes=3, size=32, max_batch=None)
    assert found.measured
    assert found.max_batch in {1, 2, 4}
    assert set(found.images_per_second) == {1, 2, 4}
    assert backend.batches[:6] == [1, 1, 2, 2, 4, 4]


def test_a_model_of_other_labels_is_not_served(backend: ColourBackend) -> None:
    with pytest.raises(ModelLoadError, match="gives 3 scores, but there are 1 labels"):
        warm(backend, classes=1, size=32, max_batch=4)


def test_a_model_whose_scores_are_no_numbers_is_not_served(backend: ColourBackend) -> None:
    backend.result = np.full((1, 3), np.nan, np.float32)
    with pytest.raises(ModelLoadError, match="not numbers"):
        warm(backend, classes=3, size=32, max_batch=None)
