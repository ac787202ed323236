"""Loading a model into a scorer."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scoring_server.batching import DeviceLost
from scoring_server.faq import serving as faq_serving
from scoring_server.http.faq import FaqScorer
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import ModelInfo, Scorer
from scoring_server.runtime.settings import FAQ_MATCHING, IMAGE_CLASSIFICATION, Settings

if TYPE_CHECKING:
    from scoring_server.http.images import ImageScorer
    from scoring_server.images.serving import ImageModelInfo

_WARMING_QUESTION: Final = "How do I start?"
# There is no other way to a FAQ model; its data is described in its manifest.
_FAQ_SOURCE: Final = "trained by scoring-faq"


def load_scorer(
    settings: Settings,
    metrics: Metrics,
    on_lost: Callable[[DeviceLost], None],
    inference: Path | None = None,
) -> Scorer:
    """Verify, load and warm the model, or wait for the process that does.

    An image model's inference thread starts here, so it must be called in the process that serves.

    Args:
        on_lost: told that what computes is gone.
        inference: the Unix socket of the process that owns the image model.

    Raises:
        ModelLoadError: it cannot be served.
        OwnerFailed: the process that owns the model cannot serve it, and has said why.
        DeviceLost: that process is gone.
    """
    if settings.model_type == FAQ_MATCHING:
        return _load_faq(settings)
    if inference is not None:
        return _share_images(settings, on_lost, inference)
    return _load_images(settings, metrics, on_lost)


def _load_faq(settings: Settings) -> FaqScorer:
    ranker = faq_serving.load(settings.model_path)
    ranker.rank([_WARMING_QUESTION])
    info = ranker.info
    model = ModelInfo(
        type=FAQ_MATCHING,
        name=info["name"],
        digest=info["digest"],
        weights=info["weights"],
        source=_FAQ_SOURCE,
    )
    return FaqScorer(ranker, model)


def _load_images(
    settings: Settings, metrics: Metrics, on_lost: Callable[[DeviceLost], None]
) -> "ImageScorer":
    # Not above: with Pillow they take memory that a FAQ server has better uses for.
    from scoring_server.http.images import ImageScorer
    from scoring_server.images import serving as image_serving

    batches = metrics.batches()
    loaded = image_serving.load(
        settings.model_path,
        device=settings.device,
        threads=settings.maths_threads,
        places=settings.image_places,
        max_batch=settings.max_batch_size,
        max_delay=settings.max_batch_delay_seconds,
        observer=batches,
        on_lost=on_lost,
    )
    loaded.classifier.start()
    scorer = ImageScorer(loaded.classifier, _image_model(loaded.info))
    batches.calibrated(scorer.batch)
    return scorer


def _share_images(
    settings: Settings, on_lost: Callable[[DeviceLost], None], inference: Path
) -> "ImageScorer":
    from scoring_server.http.images import ImageScorer
    from scoring_server.images.classifier import ImageClassifier
    from scoring_server.images.serving import ImageModelInfo
    from scoring_server.images.sharing.client import OwnerQueue

    queue = OwnerQueue(inference, places=settings.image_places, on_lost=on_lost)
    facts = queue.facts
    classifier = ImageClassifier(
        queue,
        facts.device,
        facts.labels,
        facts.preprocessing,
        decoders=settings.decoders,
        calibration=facts.calibration,
        jpeg_bytes=facts.jpeg_bytes,
    )
    classifier.start()
    return ImageScorer(classifier, _image_model(ImageModelInfo(**facts.info)))


def _image_model(info: "ImageModelInfo") -> ModelInfo:
    return ModelInfo(
        type=IMAGE_CLASSIFICATION,
        name=info.name,
        digest=info.digest,
        weights=info.weights,
        source=info.source,
    )
