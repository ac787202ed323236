"""The client."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from scoring_client.answers import Classified, Label, Ranking, labels_of, ranking_of
from scoring_client.errors import InvalidRequest, ScoringError, UnexpectedAnswer
from scoring_client.exchange import Exchange
from scoring_client.retries import Retries

_ROUTE: Final = "/score"
_JSON: Final = "application/json"
# What the service takes in one request.
_MOST_QUESTIONS: Final = 256
_DEFAULT_PARALLEL: Final = 8


class ScoringClient:
    """Asks one scoring service; threads may share it.

    Args:
        url: of the service, as the resource's status.url has it, with or without /score.
        api_key: one of the service's keys; None where it has none.
        timeout_seconds: for one call, with all its attempts and the waits between them.
        retries: when to try again; Retries(attempts=1) for never.
        connections: that are kept open; as many as threads use the client at once.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30.0,
        retries: Retries | None = None,
        connections: int = _DEFAULT_PARALLEL,
    ) -> None:
        address = url.rstrip("/").removesuffix(_ROUTE) + _ROUTE
        self._exchange = Exchange(
            address, api_key, timeout_seconds, retries or Retries(), connections
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def ask(self, question: str, *, top: int = 5, min_probability: float = 0.0) -> Ranking:
        """Match a question with the known ones.

        Args:
            question: in anyone's own words.
            top: so many matches at most.
            min_probability: matches with less are left out.

        Raises:
            ScoringError: one of its kinds.
        """
        (ranking,) = self.ask_many([question], top=top, min_probability=min_probability)
        return ranking

    def ask_many(
        self, questions: Sequence[str], *, top: int = 5, min_probability: float = 0.0
    ) -> list[Ranking]:
        """Match several questions, up to 256 in a request.

        Raises:
            ScoringError: one of its kinds; then there are no rankings at all.
        """
        options = {"top": top, "minProbability": min_probability, "details": True}
        rankings: list[Ranking] = []
        for start in range(0, len(questions), _MOST_QUESTIONS):
            document = {"input": list(questions[start : start + _MOST_QUESTIONS]), **options}
            result = self._exchange.post(json.dumps(document).encode(), _JSON)
            rankings += _parsed_rankings(result)
        return rankings

    def classify(self, image: bytes | Path) -> tuple[Label, ...]:
        """The likeliest classes of a photograph, best first.

        Args:
            image: a JPEG, PNG or WebP file or its content.

        Raises:
            ScoringError: one of its kinds.
            OSError: the file cannot be read.
        """
        content = image.read_bytes() if isinstance(image, Path) else image
        result = self._exchange.post(content, _media_type(content))
        try:
            (rows,) = result[0].values()
            return labels_of(rows)
        except (AttributeError, TypeError, ValueError):
            raise UnexpectedAnswer("the service does not classify photographs") from None

    def classify_many(
        self, images: Iterable[Path | tuple[str, bytes]], *, parallel: int = _DEFAULT_PARALLEL
    ) -> Iterator[Classified]:
        """Classify many photographs, some at a time; no more of them than that are in memory.

        Args:
            images: files, or pairs of a name and the content of a file; taken as they are needed.
            parallel: how many requests are under way at once.

        Yields:
            What was found in each, in the order of the images. One that fails has its error and
            harms no other.
        """
        with ThreadPoolExecutor(max_workers=parallel) as threads:
            under_way: deque[Future[Classified]] = deque()
            try:
                for image in images:
                    under_way.append(threads.submit(self._classified, image))
                    if len(under_way) >= parallel:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:  # also where the caller takes no more of them
                for future in under_way:
                    future.cancel()

    def _classified(self, image: Path | tuple[str, bytes]) -> Classified:
        name, source = (image.name, image) if isinstance(image, Path) else image
        try:
            return Classified(name, self.classify(source))
        except ScoringError as error:
            return Classified(name, error=error)
        except OSError as error:
            return Classified(
                name, error=InvalidRequest(f"{name} cannot be read: {error.strerror}")
            )


def _parsed_rankings(result: Sequence[Any]) -> list[Ranking]:
    try:
        rankings, _, details = result
        return [ranking_of(*pair) for pair in zip(rankings, details, strict=True)]
    except (KeyError, TypeError, ValueError):
        raise UnexpectedAnswer("the service does not match questions") from None


def _media_type(content: bytes) -> str:
    """By the first bytes, as file names lie; what is none of these the service refuses."""
    if content.startswith(b"\x89PNG"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/jpeg"
