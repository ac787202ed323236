"""The rows of a Stack Exchange XML file, one at a time, however large the file is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from scoring_server.faq.tables import DataError

_CHUNK = 256 * 1024
# The longest post has 30,000 characters; without a limit one endless row would fill the memory.
_LONGEST_ROW = 16 * 1024 * 1024
_ARCHIVE_MAGIC = (b"7z\xbc\xaf\x27\x1c", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


@dataclass(frozen=True, slots=True)
class XmlRow:
    """One `<row …/>`: the line where it stands and its attributes."""

    line: int
    values: dict[str, str]

    def number(self, path: Path, column: str) -> int | None:
        """An attribute that is a whole number; None where it is missing.

        Raises:
            DataError: it is anything else.
        """
        value = self.values.get(column)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise DataError(path, f"{value[:50]!r} is not a whole number", self.line, column)
        return int(value)


def read_xml_rows(
    path: Path, root: str, progress: Callable[[int], None] | None = None
) -> Iterator[XmlRow]:
    """Read a file by pieces; nothing of it is kept.

    Args:
        path: the file.
        root: the name of the element around the rows.
        progress: called with the bytes that were read since the last call.

    Raises:
        DataError: not well-formed, another root, a document type (and with it any entity of its
            own), or a row of more than 16 MiB.
        OSError: the file cannot be read.
    """
    reader = _Reader(path, root)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield from reader.feed(chunk)
            if progress is not None:
                progress(len(chunk))
    yield from reader.close()


class _Reader:
    def __init__(self, path: Path, root: str) -> None:
        self._path = path
        self._root = root
        self._fed = 0
        self._depth = 0
        self._rows: list[XmlRow] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        # Without a document type there are no entities but the five of XML itself, so none can
        # expand to gigabytes or name another file.
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def feed(self, chunk: bytes) -> list[XmlRow]:
        if not self._fed and chunk.startswith(_ARCHIVE_MAGIC):
            raise DataError(self._path, "is a packed archive; unpack it first")
        self._fed += len(chunk)
        self._parse(chunk, final=False)
        if self._fed - self._parser.CurrentByteIndex > _LONGEST_ROW:
            raise self._error(f"has a row of more than {_LONGEST_ROW} bytes")
        return self._taken()

    def close(self) -> list[XmlRow]:
        if not self._fed:
            raise DataError(self._path, "is empty")
        self._parse(b"", final=True)
        return self._taken()

    def _taken(self) -> list[XmlRow]:
        rows, self._rows = self._rows, []
        return rows

    def _parse(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            problem = f"is not well-formed XML at character {error.offset + 1}"
            reason = expat.ErrorString(error.code)
            raise DataError(self._path, f"{problem}: {reason}", error.lineno) from None
        except (ValueError, LookupError) as error:  # an encoding that Python does not know
            raise self._error(f"cannot be decoded: {error}") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name != self._root:
            raise self._error(f"begins with <{name[:50]}>, not with <{self._root}>")
        if self._depth == 2 and name == "row":
            self._rows.append(XmlRow(self._parser.CurrentLineNumber, attributes))

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _refuse_doctype(self, *_declaration: object) -> None:
        raise self._error("declares a document type, which a dump does not have")

    def _error(self, problem: str) -> DataError:
        return DataError(self._path, problem, self._parser.CurrentLineNumber)
