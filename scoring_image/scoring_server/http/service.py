"""What stands behind POST /score, and whether it can answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from scoring_server.http.tensors import Item, Signature, Tensor


@dataclass(frozen=True)
class ModelInfo:
    """What /version says about the model.

    Attributes:
        type: "faq-matching" or "image-classification".
        name: as its manifest calls it.
        digest: of its manifest, which pins every file.
        weights: "trained", "imagenet1k", "random", …
        source: where the weights came from.
    """

    type: str
    name: str
    digest: str
    weights: str
    source: str


@dataclass(frozen=True)
class BatchInfo:
    """How many items are computed at once.

    Attributes:
        size: at most.
        measured: whether the size was chosen by measurement when the model was loaded.
        rates: items a second by batch size, as far as they were measured.
    """

    size: int
    measured: bool
    rates: Mapping[str, float]


@dataclass(frozen=True)
class BackendInfo:
    """What computes: the library, the precision it computes in, "cpu" or "gpu".

    Attributes:
        batch: None where items are computed one by one.
    """

    name: str
    precision: str
    device: str
    batch: BatchInfo | None = None


@dataclass(frozen=True)
class ScoreRequest:
    """A /score request whose content type and size are acceptable.

    Attributes:
        mimetype: of the body, without parameters.
        parameters: of the content type, such as the boundary of a multipart body.
        body: the bytes, within the size limit.
        deadline: on the clock of time.monotonic(), seconds.
    """

    mimetype: str
    parameters: Mapping[str, str]
    body: bytes
    deadline: float


@dataclass(frozen=True)
class Detailed:
    """A ranking and what a client that asks for it is told beside: the third thing in "result"."""

    ranking: Any
    details: Any


class Scorer(Protocol):
    """A loaded model behind POST /score.

    Attributes:
        media_types: the content types that it accepts.
    """

    @property
    def model(self) -> ModelInfo: ...

    @property
    def backend(self) -> BackendInfo: ...

    @property
    def media_types(self) -> tuple[str, ...]: ...

    async def score(self, request: ScoreRequest) -> Any:
        """The ranking: the first of the two things in "result"; or Detailed, where asked for.

        Raises:
            ApiError: the request is wrong.
            Overloaded, DeadlineExceeded: it was not done.
        """
        ...

    @property
    def signature(self) -> Signature:
        """The model as tensors in and tensors out."""
        ...

    async def infer(
        self, items: Sequence[Item], parameters: Mapping[str, Any], deadline: float
    ) -> Sequence[Tensor]:
        """Run the model on the elements of its input; all of its outputs.

        Args:
            items: one at least, signature.max_items at most.
            parameters: of the request; unknown ones are ignored.
            deadline: on the clock of time.monotonic(), seconds.

        Raises:
            ApiError, Overloaded, DeadlineExceeded: as by score.
        """
        ...

    def stalled_seconds(self) -> float:
        """For how long nothing has moved where it should; the liveness probe asks."""
        ...

    def close(self) -> None:
        """Stop what runs beside the requests; there are no requests any more."""
        ...


class Service:
    """The scorer, once there is one."""

    def __init__(self, scorer: Scorer | None = None) -> None:
        self.scorer = scorer
        self.failed = False

    def ready(self, scorer: Scorer) -> None:
        """From now on requests are answered."""
        self.scorer = scorer

    def fail(self) -> None:
        """From now on the server is not ready, and will not be again."""
        self.failed = True
