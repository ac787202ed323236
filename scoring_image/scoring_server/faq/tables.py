"""Rows from CSV, TSV and JSON Lines; what is wrong is told with file, line and column.

UTF-8. A file named .tsv or .tab has tabs, one named .jsonl or .ndjson a JSON object in each line,
any other is CSV quoted as in RFC 4180. Columns may come in any order, in any case, and beside
others.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

# The csv module's default of 128 kB is too little for a long text.
_LONGEST_FIELD = 16 * 1024 * 1024
_TAB_SUFFIXES = (".tsv", ".tab")
_JSON_SUFFIXES = (".jsonl", ".ndjson")
TABLE_SUFFIXES = (".csv", *_TAB_SUFFIXES, *_JSON_SUFFIXES)


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
class Row:
    """One row: the line where it begins and its values, stripped; "" where there is none."""

    line: int
    values: Mapping[str, str]


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a file; blank lines are left out.

    Args:
        path: the file.
        columns: what it must have.
        optional: what it may have; "" in every row where it has not.

    Raises:
        DataError: the file is not valid, or a column is missing or comes twice.
        OSError: the file cannot be read.
    """
    if path.suffix.lower() in _JSON_SUFFIXES:
        return _json_rows(path, columns, optional)
    return _delimited_rows(path, columns, optional)


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DataError: it is not UTF-8.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(path, "is UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = error.start - data.rfind(b"\n", 0, error.start)
        problem = f"is not UTF-8 (byte 0x{data[error.start]:02x} at place {place} of the line)"
        raise DataError(path, f"{problem}; save it as UTF-8", line) from None


def require(path: Path, row: Row, columns: Sequence[str]) -> None:
    """Refuse a row with an empty value.

    Raises:
        DataError: one of the columns is empty.
    """
    for column in columns:
        if not row.values[column]:
            raise DataError(path, "is empty", row.line, column)


def refuse_repeated(path: Path, rows: Sequence[Row], column: str) -> None:
    """Refuse rows that share what should tell them apart.

    Raises:
        DataError: a value comes twice.
    """
    first: dict[str, int] = {}
    for row in rows:
        identity = row.values[column]
        if identity in first:
            problem = f"{identity!r} comes twice, first in line {first[identity]}"
            raise DataError(path, problem, row.line, column)
        first[identity] = row.line


def _delimited_rows(path: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    delimiter = "\t" if path.suffix.lower() in _TAB_SUFFIXES else ","
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    header: dict[str, int] | None = None
    line = 1
    try:
        for fields in reader:
            start, line = line, reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if header is None:
                header = _header(path, start, fields, columns, optional)
                width = len(fields)
                continue
            if len(fields) != width:
                problem = f"has {len(fields)} columns, the header has {width}"
                raise DataError(path, problem + "; a text with a delimiter needs quotes", start)
            values = {name: fields[place].strip() for name, place in header.items()}
            yield Row(start, {**dict.fromkeys(optional, ""), **values})
    except csv.Error as error:
        raise DataError(path, f"is not valid CSV: {error}", line) from None
    if header is None:
        raise DataError(path, f"is empty; expected a header with {', '.join(columns)}")


def _header(
    path: Path, line: int, fields: list[str], columns: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """The place of each column that is there, whatever its case."""
    names = [field.strip().casefold() for field in fields]
    for column in (*columns, *optional):
        found = names.count(column.casefold())
        if found == 0 and column in columns:
            listed = ", ".join(field.strip() for field in fields)
            raise DataError(path, f"has no column {column}; its columns are: {listed[:200]}", line)
        if found > 1:
            raise DataError(path, f"has the column {column} {found} times", line)
    present = [column for column in (*columns, *optional) if column.casefold() in names]
    return {column: names.index(column.casefold()) for column in present}


def _json_rows(path: Path, columns: Sequence[str], optional: Sequence[str]) -> Iterator[Row]:
    empty = True
    for line, text in enumerate(read_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        empty = False
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            problem = f"is not valid JSON at character {error.colno}: {error.msg}"
            raise DataError(path, problem, line) from None
        if not isinstance(document, dict):
            raise DataError(path, "is not a JSON object", line)
        yield Row(line, _json_values(path, line, document, columns, optional))
    if empty:
        raise DataError(path, f"is empty; expected objects with {', '.join(columns)}")


def _json_values(
    path: Path, line: int, document: dict[str, Any], columns: Sequence[str], optional: Sequence[str]
) -> dict[str, str]:
    keys = {key.casefold(): key for key in document}
    if len(keys) < len(document):
        raise DataError(path, "has keys that differ in their case alone", line)
    values = {}
    for column in (*columns, *optional):
        key = keys.get(column.casefold())
        if key is None and column in columns:
            listed = ", ".join(document)[:200]
            raise DataError(path, f"has no key {column}; its keys are: {listed}", line)
        value = None if key is None else document[key]
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise DataError(path, "must be a text or a whole number", line, column)
        values[column] = "" if value is None else str(value).strip()
    return values
