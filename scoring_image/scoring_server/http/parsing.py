"""Strict parsing of what clients send."""

import binascii
import contextlib
import io
import json
import re
from collections.abc import Mapping, Set
from itertools import islice
from typing import Any, Final

import orjson
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from scoring_server.http.errors import ApiError
from scoring_server.http.limits import MAX_NAME_CHARACTERS

_MAX_FORM_PARTS: Final = 1000
# Reading them takes half a second a megabyte; a browser's head of a part has 150 bytes.
_MAX_HEADS_BYTES: Final = 256 * 1024
# As werkzeug reads forms.
_REST_OF_LINE: Final = re.compile(rb"[^\S\r\n]*(?:\r\n|\n|\r)")
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\r\r|\n\n")
# An empty list of two bytes becomes an object of sixty: a body of 10 MB would take 300 MB. No valid
# request has a tenth of so many values, and those that are small cannot do harm.
_MAX_VALUES: Final = 10_000
_SMALL_BYTES: Final = 64 * 1024
_COUNTED_BYTES: Final = 1024
# A text, ended or not, or a sign that another value follows. It never goes back over what it read.
_TEXT_OR_NEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)


def parse_json(body: bytes) -> Any:
    """A JSON document of not too many values.

    orjson accepts no NaN or Infinity, no lone surrogates, and nothing nested deeper than 1,024.
    Whether a name is there twice in one object is not looked at.

    Raises:
        ApiError: 400; 413 with too many values.
    """
    if len(body) > _SMALL_BYTES:
        _check_values(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(body, error) from None


def parse_object(body: bytes, known: Set[str]) -> Mapping[str, Any]:
    """A JSON object with an "input", no unknown fields and no field twice.

    Raises:
        ApiError: as by parse_json.
    """
    document = parse_json(body)
    if not isinstance(document, dict):
        raise invalid_input('the body must be a JSON object such as {"input": …}')
    unknown = document.keys() - known
    if unknown:
        name = sorted(unknown)[0][:50]
        raise invalid_input(f"unknown field {name!r}; known are {', '.join(sorted(known))}")
    if "input" not in document:
        raise invalid_input('the field "input" is missing')
    _check_names(body, document)
    return document


def _check_values(body: bytes) -> None:
    """Refuse a body of too many values before any is made."""
    # Mostly this is enough: base64 has none of these, and this costs next to nothing.
    if not any(_has_more(body, sign, _MAX_VALUES // 3) for sign in (b",", b"[", b"{")):
        return
    tokens = _TEXT_OR_NEXT.finditer(body)
    if next(islice(tokens, _MAX_VALUES, None), None) is not None:
        raise ApiError(413, "too_many_items", f"the body holds more than {_MAX_VALUES} values")


def _malformed(body: bytes, error: orjson.JSONDecodeError) -> ApiError:
    what, line, column = "JSON", error.lineno, error.colno
    try:
        body.decode()
    except UnicodeDecodeError as wrong:  # orjson does not say where
        before = body[: wrong.start].decode()
        what, line = "UTF-8", before.count("\n") + 1
        column = len(before) - before.rfind("\n")
    return ApiError(
        400, "malformed_json", f"the body is not valid {what} (line {line}, column {column})"
    )


def _check_names(body: bytes, document: Mapping[str, Any]) -> None:
    """Refuse an object that has a name twice, of which orjson keeps the last.

    Every name is followed by a colon, and a valid document nests no deeper than "input". So only
    bodies with more colons than names, duplicates or colons in texts, are parsed once more.
    """
    names = len(document)
    for value in document.values():
        if isinstance(value, dict):
            names += len(value)
    if _has_more(body, b":", names):
        check_names_differ(body)


def _has_more(body: bytes, sign: bytes, times: int) -> bool:
    """Whether the sign is there more than so many times.

    Where it is rare, finding it passes over 100 kB in a microsecond; counting takes a hundred.
    """
    if len(body) <= _COUNTED_BYTES:
        return body.count(sign) > times
    place = -1
    for _ in range(times + 1):
        place = body.find(sign, place + 1)
        if place < 0:
            return False
    return True


def check_names_differ(body: bytes) -> None:
    """Refuse an object that has a name twice, anywhere in a document that orjson has read.

    Raises:
        ApiError: 400.
    """
    # What is nested too deeply for this parser is no valid input for other reasons.
    with contextlib.suppress(RecursionError):
        json.loads(body, object_pairs_hook=_distinct, parse_int=str, parse_float=str)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise invalid_input(f"the name {name[:50]!r} is there twice in one object")
        found[name] = value
    return found


def invalid_input(message: str) -> ApiError:
    """A 400 about a field."""
    return ApiError(400, "invalid_input", message)


def decode_base64(text: str, what: str) -> bytes:
    """Bytes from strict base64.

    Clients of the reference deployment send Python's notation of bytes, in quotes of its own:
    "b'…'" and b'…' are understood, nothing else is.

    Raises:
        ApiError: 400.
    """
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if len(text) > len("b'") and text.startswith("b'") and text.endswith("'"):
        text = text[2:-1]
    # The strict mode lets padding pass that is not needed.
    if len(text) % 4 == 0 and not text.endswith("==="):
        with contextlib.suppress(binascii.Error, UnicodeEncodeError):
            return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    hint = " without the data: prefix" if text.startswith("data:") else ""
    raise ApiError(400, "invalid_base64", f"{what} is not valid base64: send standard base64{hint}")


def parse_files(body: bytes, parameters: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """The file parts of a multipart form: file name, or field name where it has none, and content.

    Args:
        body: the form.
        parameters: of its content type; the boundary is one.

    Raises:
        ApiError: 400 for a form that is broken or has long names, 413 for one with too many parts.
    """
    parser = FormDataParser(
        stream_factory=lambda *_args, **_kwargs: io.BytesIO(),  # the body is in memory already
        max_form_parts=_MAX_FORM_PARTS,
        silent=False,
    )
    try:
        _check_heads(body, parameters.get("boundary", ""))
        _, _, files = parser.parse(
            io.BytesIO(body), "multipart/form-data", len(body), dict(parameters)
        )
    except RequestEntityTooLarge:
        raise _too_many_parts() from None
    except ValueError:
        raise ApiError(400, "malformed_form", "the body is not a valid multipart form") from None
    return [(file.filename or field, file.stream.read()) for field, file in files.items(multi=True)]


def _check_heads(body: bytes, boundary: str) -> None:
    """Refuse a form with too many or too long heads of parts before they are read."""
    if not boundary:
        raise ValueError("there is no boundary")
    delimiter = b"--" + boundary.encode()
    left = _MAX_HEADS_BYTES
    first = place = body.find(delimiter)
    # Some of what is found may be content.
    for _ in range(2 * _MAX_FORM_PARTS):
        if place < 0:
            return
        end = place + len(delimiter)
        rest = _REST_OF_LINE.match(body, end)
        if rest and (place == first or body[place - 1] in b"\r\n"):
            end = rest.end()
            blank = _BLANK_LINE.search(body, end, end + left)
            head = (blank.start() if blank else len(body)) - end
            if head > left:
                raise invalid_input(
                    "the names or headers in the form are too long: an image's name must have 1 to "
                    f"{MAX_NAME_CHARACTERS} characters"
                )
            left -= head
            end += head
        place = body.find(delimiter, end)
    raise _too_many_parts()


def _too_many_parts() -> ApiError:
    return ApiError(413, "too_many_items", "the form has too many parts")
