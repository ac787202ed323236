"""POST /score for image classification: JSON with base64, raw bodies, multipart."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring_server.http.errors import ApiError
from scoring_server.http.limits import MAX_IMAGES, MAX_NAME_CHARACTERS
from scoring_server.http.parsing import decode_base64, invalid_input, parse_files, parse_object
from scoring_server.http.service import BackendInfo, BatchInfo, ModelInfo, ScoreRequest
from scoring_server.http.tensors import BYTES, FP64, Item, Signature, Tensor, TensorSpec
from scoring_server.images.classifier import ImageClassifier, NamedImageRefused, Prediction

JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
RAW_TYPES: Final = ("image/jpeg", "image/png", "image/webp")

# What the result calls an image that was sent without a name, as the body itself.
RAW_NAME: Final = "image"

_CLOSE_SECONDS: Final = 5.0
_SIGNATURE: Final = Signature(
    TensorSpec("images", BYTES, (-1,)),
    (TensorSpec("labels", BYTES, (-1, -1)), TensorSpec("probabilities", FP64, (-1, -1))),
    MAX_IMAGES,
)


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

    async def score(self, request: ScoreRequest) -> Any:
        """An object: name to [label, probability] of the best labels, best first."""
        answers = await self._classify(_images(request), request.deadline)
        return {name: [list(best) for best in answer] for name, answer in answers.items()}

    @property
    def signature(self) -> Signature:
        """Image files in; their best labels and these labels' probabilities out."""
        return _SIGNATURE

    async def infer(
        self, items: Sequence[Item], _parameters: Mapping[str, Any], deadline: float
    ) -> Sequence[Tensor]:
        """Classify files in binary, or base64 of files in JSON; they are named by their place."""
        images = {
            str(place): decode_base64(item, f"image {place}") if isinstance(item, str) else item
            for place, item in enumerate(items)
        }
        answers = list((await self._classify(images, deadline)).values())
        shape = (len(answers), len(answers[0]))
        best = [prediction for answer in answers for prediction in answer]
        return [
            Tensor(spec, shape, column)
            for spec, column in zip(_SIGNATURE.outputs, zip(*best, strict=True), strict=True)
        ]

    async def _classify(
        self, images: Mapping[str, bytes], deadline: float
    ) -> Mapping[str, tuple[Prediction, ...]]:
        try:
            return await self._classifier.classify(images, deadline)
        except NamedImageRefused as refusal:
            message = f"{refusal.name!r}: {refusal.cause.reason}"
            raise ApiError(422, refusal.cause.code, message) from None

    def stalled_seconds(self) -> float:
        """Since the threads that decode and infer last moved."""
        return self._classifier.seconds_since_beat()

    def close(self) -> None:
        """Stop the threads; a native library must not compute while the process ends."""
        self._classifier.close(_CLOSE_SECONDS)


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
