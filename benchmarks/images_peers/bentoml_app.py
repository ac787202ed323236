"""BentoML with its adaptive batching."""

from typing import Any

import bentoml  # type: ignore[import-not-found]  # in the peer's environment alone

from benchmarks.images_peers.common import MAX_BATCH, Classifier, from_base64


@bentoml.service(workers=1, traffic={"timeout": 120, "max_concurrency": 256})
class Images:
    """The lists that BentoML makes of several requests."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH)  # type: ignore[untyped-decorator]  # likewise
    def score(self, images: list[str]) -> list[Any]:
        """Base64 in, labels out."""
        return self.classifier.answer(
            [self.classifier.prepare(from_base64(text)) for text in images]
        )
