"""How forms of many parts, or of long heads, are read."""

import pytest

from scoring_server.http.errors import ApiError
from scoring_server.http.parsing import parse_files

TOO_LONG = "the names or headers in the form are too long: an image's name must have 1 to 256"


def part(content: bytes, name: bytes = b"x", more: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="x"; filename="' + name + b'"'
    return b"--b\r\n" + disposition + more + b"\r\n\r\n" + content + b"\r\n"


def read(body: bytes) -> list[tuple[str, bytes]]:
    return parse_files(body, {"boundary": "b"})


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_content_that_looks_like_a_delimiter_is_content(size: int) -> None:
    contents = [start + bytes(size) for start in (b"x--b\r\n", b"--bb\r\n", b"\r\n--b\0\r\n")]
    form = b"".join(part(content) for content in contents) + b"--b--\r\n"
    assert read(form) == [("x", content) for content in contents]


def test_a_form_of_as_many_parts_as_allowed_is_read() -> None:
    one = part(b"1" * 1000, more=b"\r\nContent-Type: image/jpeg")
    assert len(read(one * 1000 + b"--b--")) == 1000


@pytest.mark.parametrize(
    "body",
    [
        part(b"1", name=b"n" * 300_000),
        part(b"1", name=b"n" * 100_000) * 3,
        part(b"1", more=b"\r\nX: y" * 50_000),
        part(b"1", more=b"; a=b" * 60_000),
        b"preamble" + part(b"1", name=b"n" * 300_000),
        b"--b\n\r\n" + b"n" * 300_000,
        b"--b\r\n" + b"n" * 300_000,
    ],
    ids=["a name", "names", "headers", "parameters", "behind a preamble", "line feeds", "no end"],
)
def test_heads_that_take_long_to_read_are_refused_before(body: bytes) -> None:
    with pytest.raises(ApiError, match=TOO_LONG) as caught:
        read(body + b"--b--\r\n")
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [part(b"1") * 1001, b"--b" * 3_000_000, b"--b\r\n\r\n" * 10_000])
def test_more_parts_than_allowed_are_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match="the form has too many parts") as caught:
        read(body + b"--b--\r\n")
    assert caught.value.status == 413


@pytest.mark.parametrize("parameters", [{}, {"boundary": ""}, {"boundary": "ü"}])
def test_a_boundary_that_is_none_makes_no_form(parameters: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="not a valid multipart form"):
        parse_files(part(b"1") + b"--b--", parameters)
