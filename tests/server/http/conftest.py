"""Clients of in-process apps, one for each model."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient

from scoring_server.http.app import create_app
from scoring_server.http.faq import FaqScorer
from scoring_server.http.images import ImageScorer
from scoring_server.http.keys import ApiKeys
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import ModelInfo, Scorer, Service
from scoring_server.http.settings import HttpSettings
from tests.server.images.fakes import ColourBackend, classifier_of

MAX_BODY_BYTES = 100_000
TIMEOUT_SECONDS = 60.0
SETTINGS = HttpSettings(
    max_body_bytes=MAX_BODY_BYTES,
    request_timeout_seconds=TIMEOUT_SECONDS,
    concurrent_scores=8,
    workers=1,
    threads=10,
)


def model_info(model_type: str) -> ModelInfo:
    return ModelInfo(model_type, "a name", "sha256:0", "trained", "a test")


class Match(NamedTuple):
    original_id: int
    answer_id: int
    probability: float


@dataclass(frozen=True)
class Ranking:
    matches: tuple[Match, ...]
    none_probability: float = 0.0

    @property
    def rows(self) -> list[Match]:
        return [tuple(match) for match in self.matches]  # type: ignore[misc]  # as rows are


class Originals(NamedTuple):
    ids: tuple[int | str, ...]
    answer_ids: tuple[int | str, ...]


class FakeRanker:
    """Answers every question with two matches, and remembers what it was asked."""

    originals = Originals((11, 22), (111, 222))

    def __init__(self) -> None:
        self.info: dict[str, Any] = {}
        self.asked: list[tuple[list[str], int | None, float]] = []
        self.error: Exception | None = None

    def rank(
        self, questions: Sequence[str], *, top: int | None = None, min_probability: float = 0.0
    ) -> list[Ranking]:
        self.asked.append((list(questions), top, min_probability))
        if self.error:
            raise self.error
        return [Ranking((Match(11, 111, 0.75), Match(22, 222, 0.25))) for _ in questions]


def client_of(
    scorer: Scorer | None, *, keys: ApiKeys | None = None, prefix: str = ""
) -> FlaskClient:
    settings = replace(SETTINGS, path_prefix=prefix)
    return create_app(Service(scorer), settings, Metrics(), keys).test_client()


def faq_scorer(ranker: "FakeRanker") -> FaqScorer:
    return FaqScorer(ranker, model_info("faq-matching"))  # type: ignore[arg-type]  # a fake


@pytest.fixture
def ranker() -> FakeRanker:
    return FakeRanker()


@pytest.fixture
def faq(ranker: FakeRanker) -> FlaskClient:
    return client_of(faq_scorer(ranker))


@pytest.fixture
def backend() -> ColourBackend:
    return ColourBackend()


@pytest.fixture
def image_scorer(backend: ColourBackend) -> Iterator[ImageScorer]:
    classifier = classifier_of(backend)
    classifier.start()
    scorer = ImageScorer(classifier, model_info("image-classification"))
    yield scorer
    backend.go_on.set()
    scorer.close()


@pytest.fixture
def images(image_scorer: ImageScorer) -> FlaskClient:
    return client_of(image_scorer)


@pytest.fixture
def loading() -> FlaskClient:
    return client_of(None)


def later(seconds: float = 60.0) -> float:
    return time.monotonic() + seconds
