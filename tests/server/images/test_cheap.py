"""Which images are answered without changing hands: small ones, by a fast model that is idle."""

import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image

from scoring_server.http.images import ImageScorer
from scoring_server.http.service import ModelInfo
from scoring_server.images.calibration import Calibration
from scoring_server.images.classifier import ImageClassifier
from scoring_server.images.jpeg import jpeg_pixels
from tests.server.images.fakes import ColourBackend, classifier_of
from tests.server.pictures import BLUE, RED, encode, plain, png_header

SOON = 10.0
SMALL = plain(BLUE, (128, 128))


def later() -> float:
    return time.monotonic() + SOON


@pytest.fixture
def backend() -> ColourBackend:
    return ColourBackend()


@pytest.fixture
def fast(backend: ColourBackend) -> Iterator[ImageClassifier]:
    classifier = classifier_of(backend, is_cheap=True)
    classifier.batcher.start()
    yield classifier
    backend.go_on.set()
    classifier.batcher.close(SOON)


def test_a_small_jpeg_is_cheap_for_a_fast_model(fast: ImageClassifier) -> None:
    assert fast.is_cheap(SMALL)
    assert fast.classify({"image": SMALL}, later())["image"][0].label == "n00000003 blue"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(plain(RED, (129, 128)), id="more pixels"),
        pytest.param(plain(RED, (16, 16), "PNG"), id="a PNG"),
        pytest.param(plain(RED, (16, 16), "WEBP"), id="a WebP"),
        pytest.param(png_header(50_000, 50_000), id="a bomb"),
        pytest.param(b'{"input": {"x": "/9j/4AAQ"}}', id="JSON"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_nothing_else_is(fast: ImageClassifier, data: bytes) -> None:
    assert not fast.is_cheap(data)


def test_nothing_is_while_the_model_computes(fast: ImageClassifier, backend: ColourBackend) -> None:
    backend.go_on.clear()
    busy = threading.Thread(target=fast.classify, args=({"image": SMALL}, later()))
    busy.start()
    assert backend.computing.wait(SOON)
    assert not fast.is_cheap(SMALL)
    backend.go_on.set()
    busy.join(SOON)
    assert fast.is_cheap(SMALL)


def test_nothing_is_for_a_slow_model(backend: ColourBackend) -> None:
    assert not classifier_of(backend).is_cheap(SMALL)


def test_the_images_of_one_request_are_computed_together(
    fast: ImageClassifier, backend: ColourBackend
) -> None:
    backend.go_on.clear()
    busy = threading.Thread(target=fast.classify, args=({"image": SMALL}, later()))
    busy.start()
    assert backend.computing.wait(SOON)
    several = threading.Thread(target=fast.classify, args=(dict.fromkeys("abc", SMALL), later()))
    several.start()
    while fast.batcher.admission.taken < 4 or fast.batcher.depth < 3:  # type: ignore[attr-defined]  # a Batcher
        time.sleep(0.001)
    backend.go_on.set()
    several.join(SOON)
    busy.join(SOON)
    assert backend.batches == [1, 3]


def test_a_fast_model_is_one_that_takes_less_than_a_millisecond() -> None:
    assert Calibration(4, measured=True, images_per_second={1: 1500.0, 4: 9000.0}).is_cheap
    assert not Calibration(4, measured=True, images_per_second={1: 900.0, 4: 9000.0}).is_cheap
    assert not Calibration(4, measured=False, images_per_second={}).is_cheap


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 10}, {"comment": "x"}])
def test_the_pixels_of_a_jpeg_are_read_from_its_head(options: dict[str, object]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (40, 30))
    assert jpeg_pixels(encode(image, "JPEG", **options)) == 1200
    assert jpeg_pixels(encode(image, "JPEG", exif=exif, **options)) == 1200
    assert jpeg_pixels(encode(image.convert("CMYK"), "JPEG", **options)) == 1200


def test_of_two_frames_the_larger_counts() -> None:
    small, large = plain(RED, (16, 16)), plain(RED, (4000, 3000))

    def frame(data: bytes) -> bytes:
        at = data.index(b"\xff\xc0")
        return data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]

    assert jpeg_pixels(small[:2] + frame(small) + frame(large) + small[2:]) == 12_000_000
    assert jpeg_pixels(small[:2] + frame(large) + small[2:]) == 12_000_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SMALL[:30], id="cut off"),
        pytest.param(SMALL[:2] + b"\xff\xfe\x00\x02" * 100 + SMALL[2:], id="many segments"),
        pytest.param(SMALL[:2] + b"xx" + SMALL[2:], id="no segment"),
        pytest.param(b"\xff\xd8", id="its first bytes alone"),
    ],
)
def test_of_an_odd_jpeg_nothing_is_said(data: bytes) -> None:
    assert jpeg_pixels(data) is None


def test_a_scorer_answers_at_once_what_is_alone(fast: ImageClassifier) -> None:
    scorer = ImageScorer(fast, ModelInfo("image-classification", "x", "d", "trained", "test"))
    assert scorer.is_cheap(SMALL, alone=True)
    assert not scorer.is_cheap(SMALL, alone=False)
    assert not scorer.is_cheap(b"", alone=True)
