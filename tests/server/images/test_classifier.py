import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from scoring_server.batching import Batcher, DeadlineExceeded, Overloaded
from scoring_server.images.classifier import PLACES, ImageClassifier, NamedImageRefused, softmax
from tests.server.images.fakes import ColourBackend, classifier_of
from tests.server.pictures import BLUE, GREEN, RED, plain

SOON = 60.0


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def backend() -> ColourBackend:
    return ColourBackend()


@pytest.fixture
def classifier(backend: ColourBackend) -> Iterator[ImageClassifier]:
    classifier = classifier_of(backend)
    classifier.batcher.start()
    yield classifier
    backend.go_on.set()
    classifier.batcher.close(SOON)


def test_each_image_gets_its_three_best_labels_best_first(classifier: ImageClassifier) -> None:
    answers = classifier.classify({"a": plain(RED), "b": plain(BLUE)}, later())
    assert list(answers) == ["a", "b"]
    assert answers["a"][0].label == "n00000001 red"
    assert answers["b"][0].label == "n00000003 blue"
    for answer in answers.values():
        probabilities = [prediction.probability for prediction in answer]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1)


def test_images_of_many_requests_are_computed_together_and_answered_rightly(
    classifier: ImageClassifier, backend: ColourBackend
) -> None:
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    wrong: list[str] = []

    def ask(name: str) -> None:
        answer = classifier.classify({"x": plain(colours[name])}, later())["x"]
        if not answer[0].label.endswith(name):
            wrong.append(name)

    backend.go_on.clear()
    threads = [threading.Thread(target=ask, args=(name,)) for name in [*colours] * 4]
    threads[0].start()
    assert backend.computing.wait(SOON)
    for thread in threads[1:]:
        thread.start()
    deadline = later()
    assert isinstance(classifier.batcher, Batcher)
    while classifier.batcher.depth < len(threads) - 1:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    backend.go_on.set()
    for thread in threads:
        thread.join(SOON)
    assert not wrong
    assert backend.batches == [1, 4, 4, 3]


def test_an_image_that_is_none_refuses_its_request_by_name(
    classifier: ImageClassifier, backend: ColourBackend
) -> None:
    with pytest.raises(NamedImageRefused) as caught:
        classifier.classify({"good": plain(), "bad": b"none"}, later())
    assert caught.value.name == "bad"
    assert classifier.batcher.admission.taken == 0


def test_a_full_house_refuses_before_it_decodes(classifier: ImageClassifier) -> None:
    images = {str(i): b"would be refused as no image" for i in range(PLACES + 1)}
    with pytest.raises(Overloaded):
        classifier.classify(images, later())


def test_a_request_past_its_deadline_is_not_decoded(
    classifier: ImageClassifier, backend: ColourBackend
) -> None:
    with pytest.raises(DeadlineExceeded):
        classifier.classify({"x": plain()}, time.monotonic())
    assert backend.batches == []


def test_the_calibrated_batch_size_is_used(backend: ColourBackend) -> None:
    classifier = classifier_of(backend, max_batch=2)
    classifier.batcher.start()
    classifier.classify({str(i): plain() for i in range(5)}, later())
    assert max(backend.batches) <= 2
    classifier.batcher.close(SOON)


def test_probabilities_stand_large_scores() -> None:
    probabilities = softmax(np.array([1000.0, 999.0, -1000.0], np.float32))
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_large_images_wait_for_a_slot_and_small_ones_do_not(backend: ColourBackend) -> None:
    classifier = classifier_of(backend, decoders=1)
    classifier.batcher.start()
    large = plain(RED, (1024, 1024))
    with classifier._slots.hold(later()):
        with pytest.raises(DeadlineExceeded):
            classifier.classify({"x": large}, later(0.1))
        assert classifier.classify({"x": plain(RED)}, later())["x"][0].label.endswith("red")
    assert classifier.classify({"x": large}, later())["x"][0].label.endswith("red")
    classifier.batcher.close(SOON)
