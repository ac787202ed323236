"""Answers as values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoring_client.errors import ScoringError

# ImageNet's labels begin with an identifier of their own: "n02123045 tabby, tabby cat".
_IDENTIFIED: Final = re.compile(r"(n\d{8}) (.+)")


@dataclass(frozen=True)
class Match:
    """A known question that may be what was asked.

    Attributes:
        original_id, answer_id: as in the service's data, numbers or texts.
        probability: that it is the one, if any of them is.
        question: its text.
        answer, url: where the service's data has them.
    """

    original_id: int | str
    answer_id: int | str
    probability: float
    question: str
    answer: str | None
    url: str | None


@dataclass(frozen=True)
class Ranking:
    """What a question was matched with.

    Attributes:
        matches: best first.
        none: whether the service thinks that no known question is meant.
        none_probability: how likely it finds that.
    """

    matches: tuple[Match, ...]
    none: bool
    none_probability: float

    @property
    def best(self) -> Match | None:
        """The first match; None where the question counts as unanswered."""
        return None if self.none or not self.matches else self.matches[0]


@dataclass(frozen=True)
class Label:
    """One class that a photograph may be of.

    Attributes:
        identifier: of the class, such as "n02123045"; empty where its label has none.
        name: its words.
        probability: that it is this one.
    """

    identifier: str
    name: str
    probability: float


@dataclass(frozen=True)
class Classified:
    """One photograph of many: its labels, best first, or why it has none."""

    name: str
    labels: tuple[Label, ...] = ()
    error: ScoringError | None = None


def ranking_of(rows: Sequence[Sequence[Any]], details: Mapping[str, Any]) -> Ranking:
    """A ranking from the two parts of a detailed answer."""
    matches = (
        Match(original, answer, probability, known["question"], known["answer"], known["url"])
        for (original, answer, probability), known in zip(rows, details["matches"], strict=True)
    )
    return Ranking(tuple(matches), details["none"], details["noneProbability"])


def labels_of(rows: Sequence[Sequence[Any]]) -> tuple[Label, ...]:
    """The labels of one photograph."""
    return tuple(_label(text, probability) for text, probability in rows)


def _label(text: str, probability: float) -> Label:
    match = _IDENTIFIED.fullmatch(text)
    identifier, name = match.groups() if match else ("", text)
    return Label(identifier, name, probability)
