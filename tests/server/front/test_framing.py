"""Where a request ends, however its bytes come."""

import pytest

from scoring_server.runtime.front.framing import MAX_HEAD_BYTES, Inbox, Progress

MAX_BODY = 1000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
REQUESTS = {
    "without a body": GET,
    "with a body": POST + b"hello",
    "whose body looks like a head": POST.replace(b"5", b"12") + b"GET /\r\n\r\n\r\n\r\n"[:12],
    "of mixed case": b"POST / HTTP/1.1\r\ncOnTeNt-LeNgTh:\t3 \r\n\r\nabc",
    "in chunks": CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    "in chunks with a trailer": CHUNKED + b"1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\n",
    "whose chunk looks like the end": CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
}


def inbox() -> Inbox:
    return Inbox(MAX_BODY)


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_a_request_is_whole_with_its_last_byte_and_not_before(
    request_bytes: bytes, step: int
) -> None:
    box = inbox()
    for begin in range(0, len(request_bytes), step):
        assert box.look() is not Progress.WHOLE
        box.feed(request_bytes[begin : begin + step])
    assert box.look() is Progress.WHOLE
    head, body = box.take()
    assert head + (body or b"") == request_bytes
    assert box.look() is Progress.NOTHING


def test_requests_that_come_together_come_apart() -> None:
    box = inbox()
    requests = [POST + b"hello", GET, CHUNKED + b"1\r\na\r\n0\r\n\r\n", GET]
    box.feed(b"".join(requests) + GET[:9])
    for request_bytes in requests:
        assert box.look() is Progress.WHOLE
        head, body = box.take()
        assert head + (body or b"") == request_bytes
    assert box.look() is Progress.HEAD
    box.feed(GET[9:])
    assert box.look() is Progress.WHOLE


def test_the_head_tells_what_it_is_and_how_much_is_missing() -> None:
    box = inbox()
    box.feed(POST + b"he")
    assert box.look() is Progress.BODY
    assert box.is_post
    assert box.missing_bytes == 3


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\ncontent-length: 5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: five\r\n",
        b"Content-Length : 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ],
)
def test_a_length_without_sense_is_the_parsers_to_refuse(head: bytes) -> None:
    box = inbox()
    everything = b"POST / HTTP/1.1\r\n" + head + b"\r\nGET / HTTP/1.1\r\n\r\n"
    box.feed(everything)
    assert box.look() is Progress.WHOLE
    assert box.take() == (everything, None)


@pytest.mark.parametrize(
    "body", [b"x\r\n", b"-1\r\n", b"1 1\r\n", b"0x1\r\n", b"\r\n", b"1" * 2000]
)
def test_chunks_without_sense_are_the_parsers_to_refuse(body: bytes) -> None:
    box = inbox()
    box.feed(CHUNKED + body)
    assert box.look() is Progress.WHOLE
    assert box.take() == (CHUNKED + body, None)


def test_of_a_body_that_is_too_long_only_the_head_is_waited_for() -> None:
    box = inbox()
    box.feed(POST.replace(b"5", b"1001"))
    assert box.look() is Progress.WHOLE


def test_of_chunks_that_are_too_long_no_more_is_waited_for() -> None:
    box = inbox()
    box.feed(CHUNKED + b"ffffff\r\n" + b"x" * MAX_BODY)
    assert box.look() is Progress.BODY
    box.feed(b"xxx")
    assert box.look() is Progress.WHOLE


def test_a_head_without_an_end_is_too_long_some_day() -> None:
    box = inbox()
    box.feed(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100)
    assert box.look() is Progress.HEAD
    box.feed(b"x" * MAX_HEAD_BYTES)
    assert box.look() is Progress.TOO_LONG
    box.feed(b"\r\n\r\n")
    assert box.look() is Progress.TOO_LONG


def test_what_ended_early_counts_as_whole() -> None:
    box = inbox()
    box.feed(POST + b"he")
    assert box.look() is Progress.BODY
    box.give_up()
    assert box.look() is Progress.WHOLE
    assert box.take() == (POST, b"he")
