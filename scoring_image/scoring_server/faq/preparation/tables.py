"""Questions of one's own from CSV, TSV or JSON Lines."""

from pathlib import Path

from scoring_server.faq.preparation.html import plain_text
from scoring_server.faq.preparation.records import AnswerText, Duplicate, Original, Records
from scoring_server.faq.tables import DataError, Row, read_rows, refuse_repeated, require


def read_tables(
    originals: Path, duplicates: Path, answers: Path | None, *, html: bool = True
) -> Records:
    """Read originals, duplicates and, if there are some, answers.

    Args:
        originals: with the columns Id, AnswerId, Text.
        duplicates: with the columns Id, OriginalId, Text.
        answers: with the columns AnswerId, Text and, if there are some, Url.
        html: whether the texts may have HTML in them, which is taken out.

    Raises:
        DataError: a file is not as it should be, or names something that is not there.
        OSError: a file cannot be read.
    """

    def text(row: Row) -> str:
        given = row.values["Text"]
        return plain_text(given) if html else " ".join(given.split())

    asked = _rows(originals, "Id", ("AnswerId", "Text"))
    if not asked:
        raise DataError(originals, "has no originals, only a header")
    repeated = _rows(duplicates, "Id", ("OriginalId", "Text"))
    known = {row.values["Id"] for row in asked}
    for row in repeated:
        if row.values["OriginalId"] not in known:
            problem = f"{row.values['OriginalId']!r} is not the Id of any original"
            raise DataError(duplicates, problem, row.line, "OriginalId")
    answered = [] if answers is None else _rows(answers, "AnswerId", ("Text",), ("Url",))
    if answers is not None:
        _require_answers(originals, asked, {row.values["AnswerId"] for row in answered})
    return Records(
        [Original(row.values["Id"], row.values["AnswerId"], text(row)) for row in asked],
        [Duplicate(row.values["Id"], row.values["OriginalId"], text(row)) for row in repeated],
        [AnswerText(row.values["AnswerId"], text(row), row.values["Url"]) for row in answered],
        {},
    )


def _rows(
    path: Path, identity: str, columns: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[Row]:
    rows = list(read_rows(path, (identity, *columns), optional))
    for row in rows:
        require(path, row, (identity, *columns))
    refuse_repeated(path, rows, identity)
    return rows


def _require_answers(originals: Path, rows: list[Row], answers: set[str]) -> None:
    for row in rows:
        if row.values["AnswerId"] not in answers:
            problem = f"{row.values['AnswerId']!r} is not the AnswerId of any answer"
            raise DataError(originals, problem, row.line, "AnswerId")
