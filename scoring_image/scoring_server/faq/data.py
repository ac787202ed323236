"""Reading a FAQ: originals, their duplicates, questions to test with, and answers.

Originals have the columns Id, AnswerId and Text, duplicates Id, OriginalId and Text, answers
AnswerId, Text and, if they have one, Url; the formats are those of `scoring_server.faq.tables`.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring_server.faq.model import Answer, Id, Originals
from scoring_server.faq.tables import (
    TABLE_SUFFIXES,
    DataError,
    read_rows,
    read_text,
    refuse_repeated,
    require,
)

_INT64 = 2**63


@dataclass(frozen=True)
class Questions:
    """Questions with the original that each of them asks.

    Attributes:
        texts: shape (questions,).
        originals: index of the original, None where no original answers; shape (questions,).
    """

    texts: list[str]
    originals: list[int | None]


def read_originals(path: Path) -> Originals:
    """Read originals; ids become int where the whole column is integers.

    Raises:
        DataError: the file is not valid, or an Id, AnswerId or Text is empty, or an Id comes twice.
        OSError: the file cannot be read.
    """
    rows = list(read_rows(path, ("Id", "AnswerId", "Text")))
    if not rows:
        raise DataError(path, "has no originals, only a header")
    for row in rows:
        require(path, row, ("Id", "AnswerId", "Text"))
    refuse_repeated(path, rows, "Id")
    return Originals(
        ids=_ids([row.values["Id"] for row in rows]),
        answer_ids=_ids([row.values["AnswerId"] for row in rows]),
        texts=[row.values["Text"] for row in rows],
    )


def read_questions(path: Path, originals: Sequence[Id], *, unanswered: bool = False) -> Questions:
    """Read duplicates, or questions to test with.

    Args:
        path: the file.
        originals: the ids that OriginalId may have.
        unanswered: whether OriginalId may be empty: a question that no original answers.

    Raises:
        DataError: the file is not valid, an Id comes twice, a Text is empty, or an OriginalId is
            none.
        OSError: the file cannot be read.
    """
    index = {str(original): position for position, original in enumerate(originals)}
    texts: list[str] = []
    asked: list[int | None] = []
    rows = list(read_rows(path, ("Id", "OriginalId", "Text")))
    refuse_repeated(path, rows, "Id")
    for row in rows:
        original = row.values["OriginalId"]
        require(path, row, ("Id", "Text") if unanswered else ("Id", "OriginalId", "Text"))
        if original and original not in index:
            problem = f"{original!r} is not the Id of any original"
            raise DataError(path, problem, row.line, "OriginalId")
        texts.append(row.values["Text"])
        asked.append(index[original] if original else None)
    return Questions(texts, asked)


def read_answers(path: Path, wanted: Collection[Id]) -> dict[Id, Answer]:
    """Read the answers that originals point to; others are left out.

    Args:
        path: the file.
        wanted: the answer ids of the originals.

    Raises:
        DataError: the file is not valid, an AnswerId comes twice, an AnswerId or Text is empty, a
            Url is none of the web, or none of the answers is wanted.
        OSError: the file cannot be read.
    """
    written = {str(answer): answer for answer in wanted}
    rows = list(read_rows(path, ("AnswerId", "Text"), optional=("Url",)))
    refuse_repeated(path, rows, "AnswerId")
    answers: dict[Id, Answer] = {}
    for row in rows:
        require(path, row, ("AnswerId", "Text"))
        url = row.values["Url"]
        if url and not url.startswith(("https://", "http://")):
            raise DataError(path, "must begin with https:// or http://", row.line, "Url")
        if row.values["AnswerId"] in written:
            answer_id = written[row.values["AnswerId"]]
            answers[answer_id] = Answer(row.values["Text"], url or None)
    if not answers:
        raise DataError(path, "has no answer with the AnswerId of any original")
    return answers


def read_texts(path: Path) -> list[str]:
    """The column Text of a CSV, TSV or JSONL file, or the lines of any other that are not blank.

    Raises:
        DataError: the file is not valid.
        OSError: the file cannot be read.
    """
    if path.suffix.lower() in TABLE_SUFFIXES:
        return [row.values["Text"] for row in read_rows(path, ("Text",))]
    return [line for line in read_text(path).splitlines() if line.strip()]


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, for the provenance of a model."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _ids(values: list[str]) -> list[Id]:
    """Integers if all of them are; "007" and what 64 bits do not hold stay text."""
    if all(_is_integer(value) for value in values):
        return [int(value) for value in values]
    return list(values)


def _is_integer(value: str) -> bool:
    digits = value.removeprefix("-")
    return (
        digits.isascii()
        and digits.isdigit()
        and len(digits) < 20
        and str(int(value)) == value
        and -_INT64 <= int(value) < _INT64
    )
