"""POST /score for image classification: JSON with base64, raw bodies, multipart."""

from collections.abc import Mapping
from typing import Any, Final

from scoring_server.http.errors import ApiError
from scoring_server.http.parsing import decode_base64, invalid_input, parse_files, parse_object
from scoring_server.http.service import BackendInfo, BatchInfo, ModelInfo, ScoreRequest
from scoring_server.images.classifier import ImageClassifier, NamedImageRefused

JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
RAW_TYPES: Final = ("image/jpeg", "image/png", "image/webp")

MAX_IMAGES: Final = 32
MAX_NAME_CHARACTERS: Final = 256
# What the result calls an image that was sent without a name, as the body itself.
RAW_NAME: Final = "image"

_CLOSE_SECONDS: Final = 5.0


class ImageScorer:
    """The best labels of each image of a request."""

    media_types = (JSON, *RAW_TYPES, MULTIPART)

    def __init__(self, classifier: ImageClassifier, model: ModelInfo) -> None:
        self._classifier = classifier
        self.model = model
        device = classifier.device
        found = classifier.calibration
        rates = {str(size): rate for size, rate in found.images_per_second.items()}
        self.batch = BatchInfo(found.max_batch, found.measured, rates)
        self.backend = BackendInfo(device.name, device.precision, device.device, self.batch)

    def score(self, request: ScoreRequest) -> Any:
        """An object: name to [label, probability] of the best labels, best first."""
        images = _images(request)
        try:
            answers = self._classifier.classify(images, request.deadline)
        except NamedImageRefused as refusal:
            message = f"{refusal.name!r}: {refusal.cause.reason}"
            raise ApiError(422, refusal.cause.code, message) from None
        return {name: [list(best) for best in answer] for name, answer in answers.items()}

    def stalled_seconds(self) -> float:
        """Since the inference thread last moved."""
        return self._classifier.batcher.seconds_since_beat()

    def close(self) -> None:
        """Stop the inference thread; a native library must not compute while the process ends."""
        self._classifier.batcher.close(_CLOSE_SECONDS)


def _images(request: ScoreRequest) -> Mapping[str, bytes]:
    if request.mimetype == JSON:
        return _from_json(request.body)
    if request.mimetype == MULTIPART:
        return _from_multipart(request)
    return {RAW_NAME: request.body}


def _from_json(body: bytes) -> Mapping[str, bytes]:
    images = parse_object(body, {"input"})["input"]
    if not isinstance(images, dict) or not images:
        raise invalid_input('"input" must be an object: {"<name>": "<base64 of the image>"}')
    _check_count(len(images))
    decoded: dict[str, bytes] = {}
    for name, text in images.items():
        _check_name(name)
        if not isinstance(text, str):
            raise invalid_input(f"{name!r} must be a text: the base64 of an image")
        decoded[name] = decode_base64(text, repr(name))
    return decoded


def _from_multipart(request: ScoreRequest) -> Mapping[str, bytes]:
    images: dict[str, bytes] = {}
    for name, data in parse_files(request.body, request.parameters):
        _check_name(name)
        if name in images:
            raise invalid_input(f"there are two images called {name!r}")
        images[name] = data
    if not images:
        raise invalid_input("the form holds no file: send each image as a file part")
    _check_count(len(images))
    return images


def _check_count(count: int) -> None:
    if count > MAX_IMAGES:
        raise ApiError(413, "too_many_items", f"more than {MAX_IMAGES} images in one request")


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise invalid_input(f"an image's name must have 1 to {MAX_NAME_CHARACTERS} characters")
