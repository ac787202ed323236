"""MLServer with its adaptive batching."""

import json

from mlserver import MLModel  # type: ignore[import-not-found]  # in the peer's environment alone
from mlserver.codecs import StringCodec  # type: ignore[import-not-found]  # likewise
from mlserver.types import (  # type: ignore[import-not-found]  # likewise
    InferenceRequest,
    InferenceResponse,
)

from benchmarks.images_peers.common import Classifier, from_base64


class ImageRuntime(MLModel):  # type: ignore[misc]  # has no types here
    """Images as the strings of one input."""

    async def load(self) -> bool:
        """In the worker process."""
        self._classifier = Classifier()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """A batch, which MLServer made of several requests."""
        texts = StringCodec.decode_input(payload.inputs[0])
        answers = self._classifier.answer(
            [self._classifier.prepare(from_base64(text)) for text in texts]
        )
        output = StringCodec.encode_output("result", [json.dumps(answer) for answer in answers])
        return InferenceResponse(model_name=self.name, outputs=[output])
