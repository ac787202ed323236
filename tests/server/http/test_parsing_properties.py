"""What the parsers promise for any input: as strict as a strict reader."""

import base64
import json
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring_server.http.errors import ApiError
from scoring_server.http.open_inference.request import parse_request
from scoring_server.http.parsing import decode_base64, parse_files, parse_object
from scoring_server.http.tensors import BYTES, Signature, TensorSpec
from tests.reliability.figures import record

KNOWN = {"input", "top"}
SIGNATURE = Signature(TensorSpec("x", BYTES, (-1,)), (TensorSpec("y", BYTES, (-1,)),), 8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)
INSERTED = st.sampled_from([b"", b'"', b"\\", b"{", b",", b"\xff", b":"])
DAMAGE = st.tuples(st.integers(0, 200), INSERTED)
TRIED: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def figure(request: pytest.FixtureRequest) -> Iterator[None]:
    """What all of them together tried."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        record(
            "S4",
            "hypothesis, parsers",
            f"{TRIED.total()} inputs: {TRIED['read']} read as they are, {TRIED['refused']} refused",
        )


def strict(body: bytes) -> Any:
    """The document as the standard library reads it, made strict; ValueError where it is none."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def refuse(word: str) -> Any:
        raise ValueError(word)

    document = json.loads(body.decode(), object_pairs_hook=distinct, parse_constant=refuse)
    json.dumps(document, ensure_ascii=False).encode()  # refuses half a surrogate pair
    return document


def refused(parse: Callable[[], object]) -> int | None:
    """The status with which an input is refused; None where it is read."""
    try:
        parse()
    except ApiError as error:
        TRIED["refused"] += 1
        return error.status
    TRIED["read"] += 1
    return None


def parsed(body: bytes) -> Any:
    """The document, or None where it is refused."""
    found: list[Any] = []
    refused(lambda: found.append(parse_object(body, KNOWN)))
    return found[0] if found else None


@given(VALUES, VALUES, st.booleans())
def test_what_is_right_is_read_as_it_is(value: Any, top: Any, ascii_only: bool) -> None:
    document = {"input": value, "top": top}
    assert parsed(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


@settings(max_examples=5 * settings().max_examples)
@given(VALUES, st.lists(DAMAGE, min_size=1, max_size=3))
@example({}, [(0, b"")])
def test_what_is_damaged_is_refused_or_read_as_a_strict_reader_would(
    value: Any, damages: list[tuple[int, bytes]]
) -> None:
    body = bytearray(json.dumps({"input": value}, ensure_ascii=False).encode())
    for place, inserted in damages:
        at = place % (len(body) + 1)
        body[at : at + 1 - len(inserted)] = inserted
    found = parsed(bytes(body))
    try:
        expected = strict(bytes(body))
    except ValueError:
        assert found is None
    else:
        right = isinstance(expected, dict) and "input" in expected and expected.keys() <= KNOWN
        assert found == (expected if right else None)


@given(st.binary())
def test_base64_is_the_standard_one_and_nothing_else(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    for wrapped in (text, f"b'{text}'", f"\"b'{text}'\""):
        assert decode_base64(wrapped, "x") == data
    for other in (text + "\n", f"b'{text}", " " + text, text + "=", text + "====", f'b"{text}"'):
        assert refused(partial(decode_base64, other, "x")) == 400


@given(st.text())
def test_any_text_is_base64_or_refused(text: str) -> None:
    assert refused(lambda: decode_base64(text, "x")) in {None, 400}


@given(st.binary(), st.sampled_from([b"", b"--b\r\n", b"--b--\r\n", b"\r\n\r\n"]), st.binary())
def test_any_form_is_read_or_refused(start: bytes, middle: bytes, end: bytes) -> None:
    body = b"--b\r\nContent-Disposition: form-data; " + start + middle + end
    assert refused(lambda: parse_files(body, {"boundary": "b"})) in {None, 400, 413}


@given(VALUES, st.binary(max_size=40), st.integers(0, 60) | st.none())
def test_any_inference_request_is_read_or_refused(
    value: Any, data: bytes, head_bytes: int | None
) -> None:
    tensor = {"name": "x", "datatype": BYTES, "shape": [1], "data": value}
    for document in (value, {"inputs": value}, {"inputs": [tensor], "outputs": value}):
        with_data = json.dumps(document).encode() + data
        for size in (head_bytes, len(with_data) - len(data)):
            read = partial(parse_request, with_data, size, SIGNATURE)
            assert refused(read) in {None, 400, 413}


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.integers(0, 200))
def test_elements_in_binary_are_read_as_they_are_unless_cut(parts: list[bytes], cut: int) -> None:
    data = b"".join(struct.pack("<I", len(part)) + part for part in parts)

    def request(data: bytes) -> Any:
        tensor: dict[str, Any] = {"name": "x", "datatype": BYTES, "shape": [len(parts)]}
        tensor["parameters"] = {"binary_data_size": len(data)}
        head = json.dumps({"inputs": [tensor]}).encode()
        return parse_request(head + data, len(head), SIGNATURE).items

    assert request(data) == parts
    with pytest.raises(ApiError):
        request(data[: cut % len(data)])
