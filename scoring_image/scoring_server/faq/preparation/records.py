"""What a source of questions gives, before anything is selected."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Original:
    """A question that is answered; ids and text as the source has them, the text plain."""

    id: str
    answer_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another way to ask an original."""

    id: str
    original_id: str
    text: str


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The answer to one or more originals; `url` is "" where it has none."""

    id: str
    text: str
    url: str


@dataclass(frozen=True)
class Records:
    """All of a source.

    Attributes:
        originals, duplicates, answers: in the order of the source.
        left_out: how many records the source itself could not use, by reason.
    """

    originals: list[Original]
    duplicates: list[Duplicate]
    answers: list[AnswerText]
    left_out: dict[str, int]
