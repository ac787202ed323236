"""Trained models that several tests share; training each takes about a second."""

from pathlib import Path

import pytest

from scoring_server.faq.data import read_originals, read_questions
from scoring_server.faq.model import Originals
from scoring_server.faq.serving import FaqRanker, load
from scoring_server.faq.training.estimator import FaqMatcher
from scoring_server.faq.training.export import serving_form
from scoring_server.faq.training.run import train

SHIPPED = Path(__file__).parents[3] / "scoring_image" / "faq_data"

# Small, but with other scripts than Latin, symbols and several spellings.
TINY: dict[str, list[str]] = {
    "opening hours": [
        "when do you open",
        "Öffnungszeiten?",
        "営業時間は何時ですか",
        "open on sunday?",
    ],
    "price of a ticket": ["how much is a ticket", "ticket price 2024", "сколько стоит билет"],
    "c++ === c#": ["is c++ the same as c#", "a === b", "что такое c++", "c plus plus"],
    "refund": [
        "i want my money back",
        "كيف أسترد أموالي",
        "💸 back please",
        "money back money back",
    ],
}


@pytest.fixture(scope="session")
def tiny_matcher() -> FaqMatcher:
    """Fitted on TINY with the labels 0, 1, …"""
    texts = [text for original, duplicates in TINY.items() for text in (original, *duplicates)]
    labels = [i for i, duplicates in enumerate(TINY.values()) for _ in range(1 + len(duplicates))]
    return FaqMatcher().fit(texts, labels)


@pytest.fixture(scope="session")
def tiny_ranker(tiny_matcher: FaqMatcher) -> FaqRanker:
    """The serving form of `tiny_matcher`."""
    count = len(TINY)
    originals = Originals(list(range(count)), [f"a{i}" for i in range(count)], list(TINY))
    return FaqRanker(serving_form(tiny_matcher, originals), {})


@pytest.fixture(scope="session")
def shipped_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefact of the FAQ that the image ships."""
    directory = tmp_path_factory.mktemp("shipped") / "model"
    files = (SHIPPED / "originals.csv", SHIPPED / "duplicates.csv")
    train(
        *files,
        directory,
        answers_file=SHIPPED / "answers.csv",
        name="javascript",
        seed=0,
        none_threshold=0.5,
    )
    return directory


@pytest.fixture(scope="session")
def shipped_ranker(shipped_directory: Path) -> FaqRanker:
    """The shipped FAQ, loaded."""
    return load(shipped_directory)


@pytest.fixture(scope="session")
def shipped_matcher() -> FaqMatcher:
    """The shipped FAQ as a fitted estimator."""
    originals = read_originals(SHIPPED / "originals.csv")
    duplicates = read_questions(SHIPPED / "duplicates.csv", originals.ids)
    return FaqMatcher().fit(
        [*originals.texts, *duplicates.texts],
        [*range(len(originals.ids)), *duplicates.originals],
    )
