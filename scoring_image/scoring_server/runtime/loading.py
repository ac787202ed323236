"""Loading a model into a scorer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from scoring_server.batching import DeviceLost
from scoring_server.faq import serving as faq_serving
from scoring_server.http.faq import FaqScorer
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import ModelInfo, Scorer
from scoring_server.runtime.settings import FAQ_MATCHING, IMAGE_CLASSIFICATION, Settings

if TYPE_CHECKING:
    from scoring_server.http.images import ImageScorer

_WARMING_QUESTION: Final = "How do I start?"
# There is no other way to a FAQ model; its data is described in its manifest.
_FAQ_SOURCE: Final = "trained by scoring-faq"


def load_scorer(
    settings: Settings, metrics: Metrics, on_lost: Callable[[DeviceLost], None]
) -> Scorer:
    """Verify, load and warm the model.

    An image model's inference thread starts here, so it must be called in the process that serves.

    Args:
        on_lost: told that what computes is gone.

    Raises:
        ModelLoadError: it cannot be served.
    """
    if settings.model_type == FAQ_MATCHING:
        return _load_faq(settings)
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
    from scoring_server.images.classifier import PLACES

    batches = metrics.batches()
    loaded = image_serving.load(
        settings.model_path,
        device=settings.device,
        threads=settings.maths_threads,
        # A server that was given more threads for it holds more images.
        places=max(PLACES, settings.concurrent_scores),
        max_batch=settings.max_batch_size,
        max_delay=settings.max_batch_delay_seconds,
        observer=batches,
        on_lost=on_lost,
    )
    loaded.classifier.batcher.start()
    info = loaded.info
    model = ModelInfo(
        type=IMAGE_CLASSIFICATION,
        name=info.name,
        digest=info.digest,
        weights=info.weights,
        source=info.source,
    )
    scorer = ImageScorer(loaded.classifier, model)
    batches.calibrated(scorer.batch)
    return scorer
