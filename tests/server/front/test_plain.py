"""What is read without gunicorn's parser means the same to it, and is little."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring_server.batching import run
from scoring_server.runtime.front.framing import Inbox, Progress
from scoring_server.runtime.front.plain import PlainAnswer, plain_environ
from tests.server.attacks.http_bytes import AMBIGUOUS

CLIENT, SERVER = ("192.0.2.7", 4711), ("192.0.2.1", 8080)
BODY = b'{"input": "a"}'
EXAMPLES = 5 * settings().max_examples
# These are the server's own, not of the request.
_OWN = {
    "gunicorn.socket", "wsgi.early_hints", "wsgi.errors", "wsgi.file_wrapper", "wsgi.input",
    "wsgi.multiprocess", "wsgi.multithread",
}  # fmt: skip


def head_of(*fields: str, line: str = "POST /score HTTP/1.1") -> bytes:
    return "\r\n".join((line, *fields, "", "")).encode("latin-1")


def plain(head: bytes, body: bytes = BODY) -> dict[str, Any] | None:
    return plain_environ(head, body, CLIENT, SERVER)


def check(head: bytes, body: bytes) -> None:
    """What is plain is what gunicorn makes of it; what gunicorn refuses is not plain."""
    ours = plain(head, body)
    if ours is None:
        return
    assert ours["wsgi.input"].read() == body
    parser = RequestParser(Config(), iter((head,)), CLIENT)
    request = next(parser)
    assert not request._expected_100_continue
    assert not request.should_close()
    assert not parser.unreader.buf.getvalue(), "gunicorn sees something behind the head"
    assert request.body.reader.length == len(body)
    _, theirs = wsgi.create(request, None, CLIENT, SERVER, Config())
    assert without_own(ours) == without_own(theirs)


def without_own(environ: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in environ.items() if key not in _OWN}


TOKEN = st.sampled_from(
    ["Host", "content-type", "Content-Length", "Content-Length", "Transfer-Encoding", "Connection",
     "connection", "Expect", "X-Forwarded-Proto", "X_Forwarded_For", "X-Request-Id", "Te",
     "X-Forwarded-Ssl", "Script-Name", "Upgrade", "x", "A B", "", "Ä", "content-type "]
)  # fmt: skip
VALUE = st.sampled_from(
    ["14", "014", "+14", "14 ", "15", "x", "a, b", "keep-alive", "Keep-Alive", "close", "chunked",
     "100-continue", "https", "on", " padded\t", "", "\t", "é", "a\0", "a\rb", "a\nb", "\x7f", ":"]
)  # fmt: skip
FIELD = st.tuples(TOKEN, st.sampled_from([":", ": ", " :", ""]), VALUE).map("".join)
LINE = st.sampled_from(
    ["POST /score HTTP/1.1"] * 8
    + ["POST //score HTTP/1.1", "POST /score/../x HTTP/1.1", "POST /a%20b HTTP/1.1",
       "POST /score?x=1 HTTP/1.1", "POST /score#x HTTP/1.1", "POST  /score HTTP/1.1",
       "POST /score HTTP/1.0", "POST /score HTTP/1.1 ", "post /score HTTP/1.1",
       "GET /score HTTP/1.1", "POST http://x/score HTTP/1.1", "POST /é HTTP/1.1", "POST * HTTP/1.1"]
)  # fmt: skip
HEADS = st.builds(
    lambda line, fields, length: head_of(*fields, *length, line=line),
    LINE,
    st.lists(FIELD, max_size=5),
    st.sampled_from([[], ["Content-Length: 14"], ["content-length:14"]]),
)


@settings(deadline=None, max_examples=EXAMPLES)  # machines are busy
@given(HEADS)
@example(head_of("Content-Length: 14"))
@example(head_of("Host: x", "Content-Type: application/json", "Content-Length: 14"))
def test_what_is_plain_means_the_same_to_gunicorn(head: bytes) -> None:
    check(head, BODY)


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(0, 80), st.binary(min_size=0, max_size=3))
def test_a_plain_head_with_other_bytes_in_it_means_the_same_or_is_not_plain(
    at: int, more: bytes
) -> None:
    head = head_of("Host: x", "Content-Type: application/json", "Content-Length: 14")
    check(head[:at] + more + head[at:], BODY)
    check(head[:at] + more + head[at + len(more) :], BODY)


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_what_two_servers_might_read_differently_is_not_plain(data: bytes) -> None:
    inbox = Inbox(10_000)
    inbox.feed(data)
    inbox.look()
    head, body = inbox.take()
    assert body is None or plain(head, body) is None


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(["Host: x", "User-Agent: curl/8.5.0", "Accept: */*"], id="curl"),
        pytest.param(
            ["Host: x", "User-Agent: python-requests/2.32", "Accept-Encoding: gzip, deflate",
             "Accept: */*", "Connection: keep-alive"], id="requests",
        ),
        pytest.param(
            ["Host: x", "User-Agent: Go-http-client/1.1", "Accept-Encoding: gzip",
             "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
             "X-Request-Id: 3f", "Authorization: Bearer abc"], id="Go",
        ),
    ],
)  # fmt: skip
def test_what_clients_send_is_plain(fields: list[str]) -> None:
    head = head_of(*fields, "Content-Type: application/json", "Content-Length: 14")
    assert plain(head) is not None
    check(head, BODY)


@pytest.mark.parametrize(
    "fields",
    [
        ["Expect: 100-continue"],
        ["Connection: close"],
        ["Connection: keep-alive, close"],
        ["Transfer-Encoding: chunked"],
        ["X-Forwarded-Proto: https"],
        ["Host: a", "Host: a"],
        ["X-A: a", "x-a: b"],
        ["X_A: a"],
        [f"X-{i}: a" for i in range(51)],
        ["X: " + "a" * 4000],
    ],
)
def test_whatever_asks_for_more_is_left_to_gunicorn(fields: list[str]) -> None:
    assert plain(head_of(*fields, "Content-Length: 14")) is None


def test_a_length_that_is_not_the_bodys_is_left_to_gunicorn() -> None:
    assert plain(head_of("Content-Length: 14"), BODY + b" ") is None
    assert plain(head_of("Host: x"), b"") is None


def answer(app: Any, *, may_keep: bool = True) -> tuple[bytes, bool]:
    environ = plain(head_of("Content-Length: 14"))
    assert environ is not None
    made = PlainAnswer(lambda: may_keep)
    return run(made.run(app, environ)), made.keep


def app_of(*headers: tuple[str, str], status: str = "200 OK", body: bytes = b"ok") -> Any:
    def app(_environ: Any, start_response: Any) -> tuple[bytes]:
        start_response(status, list(headers))
        return (body,)

    return app


def test_an_answer_is_one_that_the_framing_finds_the_end_of() -> None:
    data, keep = answer(app_of(("Content-Type", "text/plain"), ("Content-Length", "2"), ("X", "y")))
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == b"ok"
    assert keep
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    names = [line.partition(":")[0] for line in lines[1:]]
    assert sorted(names) == [
        "Connection", "Content-Length", "Content-Type", "Date", "Server", "X"
    ]  # fmt: skip
    assert "Connection: keep-alive" in lines


def test_the_connection_ends_where_the_app_or_the_worker_says_so() -> None:
    for data, keep in (
        answer(app_of(("Connection", "close"))),
        answer(app_of(), may_keep=False),
    ):
        assert b"\r\nConnection: close\r\n" in data
        assert not keep


@pytest.mark.parametrize(
    "app",
    [
        app_of(("X", "a\r\nSet-Cookie: b")),
        app_of(("X\r\nY", "a")),
        app_of(("X", "a\nb")),
        app_of(("X", "é")),
        app_of(status="200 OK\r\nX: y"),
        app_of(status="OK"),
    ],
)
def test_no_header_can_split_the_answer(app: Any) -> None:
    with pytest.raises(ValueError, match="malformed"):
        answer(app)


def test_a_body_is_closed_even_if_it_fails() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Any:
            raise OSError("lost")

        def close(self) -> None:
            closed.append(True)

    def app(_environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [])
        return Body()

    with pytest.raises(OSError, match="lost"):
        answer(app)
    assert closed == [True]


def test_the_framing_and_the_head_agree_on_where_the_body_ends() -> None:
    inbox = Inbox(10_000)
    inbox.feed(head_of("Host: x", "Content-Length: 14") + BODY + b"POST")
    assert inbox.look() is Progress.WHOLE
    head, body = inbox.take()
    assert body == BODY
    assert plain(head, body) is not None
    assert len(inbox) == len("POST")
