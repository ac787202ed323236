"""LitServe with its own batching."""

import os
from typing import Any

import litserve  # type: ignore[import-not-found]  # in the peer's environment alone

from benchmarks.images_peers.common import (
    DELAY_SECONDS,
    MAX_BATCH,
    PORT_VARIABLE,
    Classifier,
    from_base64,
)


class Api(litserve.LitAPI):  # type: ignore[misc]  # has no types here
    """As its documentation has it: decode, batch, predict, unbatch, encode."""

    def setup(self, device: str) -> None:
        """In the worker process."""
        self.classifier = Classifier()

    def decode_request(self, request: dict[str, str]) -> Any:
        """The model's input."""
        return self.classifier.prepare(from_base64(request["image"]))

    def batch(self, inputs: list[Any]) -> list[Any]:
        """The classifier stacks them."""
        return inputs

    def predict(self, inputs: list[Any]) -> list[Any]:
        """All of a batch."""
        return self.classifier.answer(inputs)

    def unbatch(self, output: list[Any]) -> list[Any]:
        """One answer for each request."""
        return output

    def encode_response(self, output: Any) -> dict[str, Any]:
        """What becomes JSON."""
        return {"result": output}


if __name__ == "__main__":
    api = Api(max_batch_size=MAX_BATCH, batch_timeout=DELAY_SECONDS)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=120)
    port = int(os.environ[PORT_VARIABLE])
    server.run(port=port, host="127.0.0.1", log_level="warning", generate_client_file=False)
