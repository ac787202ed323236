"""Reading a FAQ from CSV or TSV; what is wrong is told with file, line and column.

Originals have the columns Id, AnswerId and Text, duplicates Id, OriginalId and Text, in any order
and beside any others. UTF-8, quoted as in RFC 4180; a file named .tsv or .tab has tabs instead of
commas.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring_server.faq.model import Id, Originals

# The csv module's default of 128 kB is too little for a long text.
_LONGEST_FIELD = 16 * 1024 * 1024
_TAB_SUFFIXES = (".tsv", ".tab")
_INT64 = 2**63


class DataError(Exception):
    """A data file is not as it should be; the message names file, line and column."""

    def __init__(self, path: Path, problem: str, line: int | None = None, column: str = "") -> None:
        where = str(path)
        if line is not None:
            where += f", line {line}"
        if column:
            where += f", column {column}"
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True)
class Questions:
    """Questions with the original that each of them asks.

    Attributes:
        texts: shape (questions,).
        originals: index of the original, None where no original answers; shape (questions,).
    """

    texts: list[str]
    originals: list[int | None]


@dataclass(frozen=True)
class _Row:
    line: int
    values: Mapping[str, str]


def read_originals(path: Path) -> Originals:
    """Read originals; ids become int where the whole column is integers.

    Raises:
        DataError: the file is not valid, or an Id, AnswerId or Text is empty, or an Id comes twice.
        OSError: the file cannot be read.
    """
    rows = list(_rows(path, ("Id", "AnswerId", "Text")))
    if not rows:
        raise DataError(path, "has no originals, only a header")
    for row in rows:
        _require(path, row, ("Id", "AnswerId", "Text"))
    _refuse_repeated_ids(path, rows)
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
    rows = list(_rows(path, ("Id", "OriginalId", "Text")))
    _refuse_repeated_ids(path, rows)
    for row in rows:
        original = row.values["OriginalId"]
        _require(path, row, ("Id", "Text") if unanswered else ("Id", "OriginalId", "Text"))
        if original and original not in index:
            problem = f"{original!r} is not the Id of any original"
            raise DataError(path, problem, row.line, "OriginalId")
        texts.append(row.values["Text"])
        asked.append(index[original] if original else None)
    return Questions(texts, asked)


def read_texts(path: Path) -> list[str]:
    """The column Text of a CSV or TSV file, or the lines of any other file that are not blank.

    Raises:
        DataError: the file is not valid.
        OSError: the file cannot be read.
    """
    if path.suffix.lower() in (".csv", *_TAB_SUFFIXES):
        return [row.values["Text"] for row in _rows(path, ("Text",))]
    return [line for line in _decode(path).splitlines() if line.strip()]


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, for the provenance of a model."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _rows(path: Path, columns: Sequence[str]) -> Iterator[_Row]:
    """The rows of a file, stripped; blank lines are left out."""
    delimiter = "\t" if path.suffix.lower() in _TAB_SUFFIXES else ","
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(_decode(path), newline=""), delimiter=delimiter, strict=True)
    header: dict[str, int] | None = None
    line = 1
    try:
        for fields in reader:
            start, line = line, reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if header is None:
                header, width = _header(path, start, fields, columns), len(fields)
                continue
            if len(fields) != width:
                problem = f"has {len(fields)} columns, the header has {width}"
                raise DataError(path, problem + "; a text with a delimiter needs quotes", start)
            yield _Row(start, {name: fields[place].strip() for name, place in header.items()})
    except csv.Error as error:
        raise DataError(path, f"is not valid CSV: {error}", line) from None
    if header is None:
        raise DataError(path, f"is empty; expected a header with {', '.join(columns)}")


def _header(path: Path, line: int, fields: list[str], columns: Sequence[str]) -> dict[str, int]:
    """The place of each wanted column, whatever its case."""
    names = [field.strip().casefold() for field in fields]
    for column in columns:
        found = names.count(column.casefold())
        if found == 0:
            listed = ", ".join(field.strip() for field in fields)
            raise DataError(path, f"has no column {column}; its columns are: {listed[:200]}", line)
        if found > 1:
            raise DataError(path, f"has the column {column} {found} times", line)
    return {column: names.index(column.casefold()) for column in columns}


def _decode(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(path, "is UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise DataError(path, f"is not UTF-8 (byte 0x{byte:02x}); save it as UTF-8", line) from None


def _require(path: Path, row: _Row, columns: Sequence[str]) -> None:
    for column in columns:
        if not row.values[column]:
            raise DataError(path, "is empty", row.line, column)


def _refuse_repeated_ids(path: Path, rows: Sequence[_Row]) -> None:
    first: dict[str, int] = {}
    for row in rows:
        identity = row.values["Id"]
        if identity in first:
            problem = f"{identity!r} comes twice, first in line {first[identity]}"
            raise DataError(path, problem, row.line, "Id")
        first[identity] = row.line


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
