"""HTTP that two servers in a row might read differently, and HTTP that is none.

`SMUGGLED` is a second request within the first one's bytes: a server that answers it took the bytes
apart in another place than the proxy before it might.
"""

from typing import Final

_BODY: Final = b'{"input": "a"}'
# Answered 404 or 405, which no other refusal is.
SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def _request(*headers: bytes, body: bytes = b"", line: bytes = b"POST /score HTTP/1.1") -> bytes:
    return b"\r\n".join((line, b"Host: x", b"Content-Type: application/json", *headers, b"", body))


_CHUNKED: Final = b"Transfer-Encoding: chunked"
_END: Final = b"0\r\n\r\n"


def _chunked(body: bytes, *headers: bytes) -> bytes:
    return _request(_CHUNKED, *headers, body=body)


# Each must be refused as a whole: one answer, 4xx or 501, and the connection closed.
AMBIGUOUS: Final[dict[str, bytes]] = {
    "CL.TE": _request(b"Content-Length: 5", _CHUNKED, body=_END + SMUGGLED),
    "TE.CL": _request(_CHUNKED, b"Content-Length: 5", body=_END + SMUGGLED),
    "two lengths": _request(b"Content-Length: 0", b"Content-Length: 40", body=SMUGGLED),
    "two lengths in one": _request(b"Content-Length: 0, 40", body=SMUGGLED),
    "a length with a plus": _request(b"Content-Length: +0", body=SMUGGLED),
    "a negative length": _request(b"Content-Length: -1", body=SMUGGLED),
    "a length in hexadecimal": _request(b"Content-Length: 0x10", body=SMUGGLED),
    "a length with an underscore": _request(b"Content-Length: 1_0", body=SMUGGLED),
    "a length of other digits": _request("Content-Length: ٣".encode(), body=SMUGGLED),
    "a length with more": _request(b"Content-Length: 0 0", body=SMUGGLED),
    "no length": _request(b"Content-Length:", body=SMUGGLED),
    "a space before the colon": _request(b"Content-Length : 0", body=SMUGGLED),
    "a tab before the colon": _request(b"Transfer-Encoding\t: chunked", body=_END + SMUGGLED),
    "a folded header": _request(b"X: y\r\n Content-Length: 40", body=SMUGGLED),
    "a folded coding": _request(b"Transfer-Encoding:\r\n chunked", body=_END + SMUGGLED),
    "another coding": _request(b"Transfer-Encoding: xchunked", body=_END + SMUGGLED),
    "identity": _request(b"Transfer-Encoding: identity", body=SMUGGLED),
    "chunked twice": _request(b"Transfer-Encoding: chunked, chunked", body=_END + SMUGGLED),
    "two codings": _request(_CHUNKED, b"Transfer-Encoding: identity", body=_END + SMUGGLED),
    "chunked and more": _request(b"Transfer-Encoding: chunked, identity", body=_END + SMUGGLED),
    "a coding in quotes": _request(b'Transfer-Encoding: "chunked"', body=_END + SMUGGLED),
    "a vertical tab": _request(b"Transfer-Encoding: \x0bchunked", body=_END + SMUGGLED),
    "a zero in a header": _request(b"X: a\0b", b"Content-Length: 0", body=SMUGGLED),
    "a carriage return in a header": _request(b"X: a\rb", b"Content-Length: 0", body=SMUGGLED),
    "a bare line feed in a header": _request(b"X: a\nY: b", b"Content-Length: 0", body=SMUGGLED),
    "line feeds alone": _request(b"Content-Length: 0", body=SMUGGLED).replace(b"\r\n", b"\n"),
    "chunked in HTTP/1.0": _request(
        _CHUNKED, line=b"POST /score HTTP/1.0", body=_END + SMUGGLED
    ),
    "a chunk without a size": _chunked(b"\r\n" + SMUGGLED),
    "a negative chunk": _chunked(b"-1\r\n" + SMUGGLED),
    "a chunk with a plus": _chunked(b"+5\r\nhello\r\n" + _END + SMUGGLED),
    "a chunk in 0x": _chunked(b"0x5\r\nhello\r\n" + _END + SMUGGLED),
    "a chunk with an underscore": _chunked(b"1_0\r\n" + b"a" * 16 + b"\r\n" + _END + SMUGGLED),
    "a chunk that overflows": _chunked(b"1" + b"0" * 16 + b"\r\nhello\r\n" + _END + SMUGGLED),
    "a chunk of 5000 digits": _chunked(b"0" * 5000 + b"5\r\nhello\r\n" + _END + SMUGGLED),
    "a chunk longer than it says": _chunked(b"2\r\nhello\r\n" + _END + SMUGGLED),
    "a chunk's end in line feeds": _chunked(b"5\nhello\n0\n\n" + SMUGGLED),
    "a chunk extension with a line feed": _chunked(b"5;a\nb\r\nhello\r\n" + _END + SMUGGLED),
    "no version": b"POST /score\r\nHost: x\r\n\r\n" + SMUGGLED,
    "another version": _request(line=b"POST /score HTTP/9.9") + SMUGGLED,
    "a space in the path": _request(line=b"POST /sc ore HTTP/1.1") + SMUGGLED,
    "a method of signs": _request(line=b"PO(ST /score HTTP/1.1") + SMUGGLED,
    "a space before the method": b" " + _request(b"Content-Length: 0") + SMUGGLED,
    "no colon": _request(b"Content-Length 0", body=SMUGGLED),
    "no name": _request(b": x", body=SMUGGLED),
    "a name of signs": _request(b"X(Y): x", body=SMUGGLED),
    "a space before a name": b"POST /score HTTP/1.1\r\n Host: x\r\n\r\n" + SMUGGLED,
    "a header of 1 MB": _request(b"X: " + b"y" * 1_000_000),
    "a line of 1 MB": _request(line=b"POST /" + b"s" * 1_000_000 + b" HTTP/1.1"),
    "ten thousand headers": _request(*[b"X: y"] * 10_000),
    "an expectation": _request(b"Expect: 200-ok", b"Content-Length: 0"),
}  # fmt: skip

# Not HTTP, or not a whole request; each is refused or the connection closed without an answer.
NO_HTTP: Final[dict[str, bytes]] = {
    "nothing": b"",
    "line breaks": b"\r\n" * 1000,
    "zero bytes": bytes(10_000),
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": b"EHLO x\r\n",
    "the PROXY protocol": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n\r\n",
    "the PROXY protocol 2": bytes.fromhex("0d0a0d0a000d0a515549540a2111000c") + bytes(12),
    "half a line": b"POST /sc",
    "half a head": b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Le",
    "half a body": _request(b"Content-Length: 100", body=_BODY),
    "half a chunk": _chunked(b"64\r\n" + _BODY),
    "chunks that do not end": _chunked(b"e\r\n" + _BODY + b"\r\n"),
    "a length beyond all": _request(b"Content-Length: 99999999999999999999", body=_BODY),
    "a length of 5000 digits": _request(b"Content-Length: " + b"9" * 5000, body=_BODY),
    "a megabyte of a line": b"G" * 1_000_000,
    "random bytes": bytes(range(256)) * 40,
}

# Addresses that are nearly those of scoring: 404, or whatever else refuses.
NEARLY: Final[dict[str, bytes]] = {
    path: _request(b"Content-Length: 14", line=b"POST %b HTTP/1.1" % path.encode(), body=_BODY)
    for path in (
        "score", "//score", "///score", "/./score", "/score/", "/score/.", "/%2fscore", "/score%00",
        "/SCORE", "/score;a=b", "/v2/../score", "*", "v2/models/faq-matching/infer",
        "//v2/models/faq-matching/infer", "/v2//models/faq-matching/infer",
        "/v2/models//faq-matching/infer", "/v2/models/a/b/infer", "/v2/models/infer",
        "/v2/models/faq-matching/versions/infer", "/v2/models/faq-matching/infer/",
    )
}  # fmt: skip

# What is right must stay so: two requests and two answers.
RIGHT: Final[dict[str, bytes]] = {
    "two requests": _request(b"Content-Length: 14", body=_BODY) + SMUGGLED,
    "two chunked requests": _chunked(b"e\r\n" + _BODY + b"\r\n" + _END) + SMUGGLED,
    "a chunk extension": _chunked(b"e;a=b\r\n" + _BODY + b"\r\n" + _END) + SMUGGLED,
    "a trailer": _chunked(b"e\r\n" + _BODY + b"\r\n0\r\nX: y\r\n\r\n") + SMUGGLED,
}
