import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PIL.Image import Image

from scoring_server.batching import Batcher, DeadlineExceeded, Overloaded, Task, run
from scoring_server.images import classifier as classifying
from scoring_server.images.classifier import PLACES, ImageClassifier, NamedImageRefused, softmax
from scoring_server.images.decode import load_image
from tests.server.images.fakes import ColourBackend, classifier_of
from tests.server.pictures import BLUE, GREEN, RED, plain

SOON = 60.0
LARGE = (1024, 1024)


def later(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def backend() -> ColourBackend:
    return ColourBackend()


@pytest.fixture
def classifier(backend: ColourBackend) -> Iterator[ImageClassifier]:
    classifier = classifier_of(backend)
    classifier.start()
    yield classifier
    backend.go_on.set()
    classifier.close(SOON)


def test_each_image_gets_its_three_best_labels_best_first(classifier: ImageClassifier) -> None:
    answers = run(classifier.classify({"a": plain(RED), "b": plain(BLUE)}, later()))
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
        answer = run(classifier.classify({"x": plain(colours[name])}, later()))["x"]
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
        run(classifier.classify({"good": plain(), "bad": b"none"}, later()))
    assert caught.value.name == "bad"
    assert classifier.batcher.admission.taken == 0


def test_a_full_house_refuses_before_it_decodes(classifier: ImageClassifier) -> None:
    images = {str(i): b"would be refused as no image" for i in range(PLACES + 1)}
    with pytest.raises(Overloaded):
        run(classifier.classify(images, later()))


def test_a_request_past_its_deadline_is_not_decoded(
    classifier: ImageClassifier, backend: ColourBackend
) -> None:
    with pytest.raises(DeadlineExceeded):
        run(classifier.classify({"x": plain()}, time.monotonic()))
    assert backend.batches == []


def test_the_calibrated_batch_size_is_used(backend: ColourBackend) -> None:
    classifier = classifier_of(backend, max_batch=2)
    classifier.start()
    run(classifier.classify({str(i): plain() for i in range(5)}, later()))
    assert max(backend.batches) <= 2
    classifier.close(SOON)


def test_probabilities_stand_large_scores() -> None:
    probabilities = softmax(np.array([1000.0, 999.0, -1000.0], np.float32))
    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[0] == pytest.approx(1 / (1 + np.exp(-1)))


class SlowDecoder:
    """Decodes large images when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoding = threading.Event()
        self.go_on = threading.Event()
        self.decoded: list[int] = []
        monkeypatch.setattr(classifying, "load_image", self._load)

    def _load(self, image: Image, *, draft_side: int | None) -> Image:
        if image.width > LARGE[0] / 2:
            self.decoding.set()
            assert self.go_on.wait(SOON)
        self.decoded.append(image.width)
        return load_image(image, draft_side=draft_side)


def test_large_images_wait_for_a_decoder_and_small_ones_do_not(
    backend: ColourBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = SlowDecoder(monkeypatch)
    classifier = classifier_of(backend, decoders=1)
    classifier.start()
    large = plain(RED, LARGE)
    first = Task(classifier.classify({"x": large}, later()))
    assert decoder.decoding.wait(SOON)
    with pytest.raises(DeadlineExceeded):
        run(classifier.classify({"x": large}, later(0.1)))
    assert run(classifier.classify({"x": plain(RED)}, later()))["x"][0].label.endswith("red")
    decoder.go_on.set()
    assert first.result()["x"][0].label.endswith("red")
    classifier.close(SOON)
    assert decoder.decoded.count(LARGE[0]) == 1, "nobody waited for the other one"


def test_many_small_images_of_a_request_are_decoded_as_a_large_one_is(
    backend: ColourBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = SlowDecoder(monkeypatch)
    classifier = classifier_of(backend, decoders=1)
    classifier.start()
    images = {"large": plain(RED, LARGE)} | {str(i): plain(BLUE, (400, 400)) for i in range(4)}
    task = Task(classifier.classify(images, later()))
    assert task.wait is not None
    assert decoder.decoding.wait(SOON)
    decoder.go_on.set()
    answers = task.result()
    assert list(answers) == list(images)
    assert answers["large"][0].label.endswith("red")
    assert answers["3"][0].label.endswith("blue")
    classifier.close(SOON)


def test_no_thread_waits_for_a_batch(classifier: ImageClassifier, backend: ColourBackend) -> None:
    backend.go_on.clear()
    tasks = [Task(classifier.classify({"x": plain(RED)}, later())) for _ in range(6)]
    assert all(task.wait is not None for task in tasks)
    assert classifier.batcher.admission.taken == 6
    backend.go_on.set()
    assert all(task.result()["x"][0].label.endswith("red") for task in tasks)
    assert classifier.batcher.admission.taken == 0
