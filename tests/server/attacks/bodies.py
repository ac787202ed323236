"""Bodies that a parser may choke on."""

import base64
import json
from typing import Final

from tests.server.pictures import plain

JSON: Final = "application/json"
FORM: Final = "multipart/form-data; boundary=b"
_MEGABYTE: Final = 1_000_000
_GOOD: Final = base64.b64encode(plain()).decode()
_PART: Final = b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n'
_MIXED: Final = b"Content-Type: multipart/mixed; boundary=c\r\n"


def _file(name: bytes = b'filename="x"', more: bytes = b"", content: bytes = b"x") -> bytes:
    """A form with one file."""
    head = b'--b\r\n%bContent-Disposition: form-data; name="x"; %b\r\n\r\n' % (more, name)
    return head + content + b"\r\n--b--\r\n"


# None of them is JSON, and what is has no input that any model reads.
JSONS: Final[dict[str, bytes]] = {
    "nothing": b"",
    "a space": b" ",
    "zero bytes": bytes(100),
    "a byte order mark": b'\xef\xbb\xbf{"input": "a"}',
    "UTF-16": '{"input": "a"}'.encode("utf-16"),
    "UTF-32": '{"input": "a"}'.encode("utf-32"),
    "UTF-7": b'+AHs-"input": "a"}',
    "Latin-1": '{"input": "größe"}'.encode("latin-1"),
    "overlong UTF-8": b'{"input": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"input": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"input": "\xf4\x90\x80\x80"}',
    "half a character": b'{"input": "\xe2\x82"}',
    "a lone high surrogate": rb'{"input": "\ud800"}',
    "a lone low surrogate": rb'{"input": "\udc00 a"}',
    "surrogates the wrong way round": rb'{"input": "\udc00\ud800"}',
    "an escape that is none": rb'{"input": "\x61"}',
    "half an escape": rb'{"input": "\u12"}',
    "a raw control character": b'{"input": "a\x00b"}',
    "a raw line break": b'{"input": "a\nb"}',
    "NaN": b'{"input": NaN}',
    "Infinity": b'{"input": "a", "minProbability": Infinity}',
    "minus Infinity": b'{"input": -Infinity}',
    "a huge exponent": b'{"input": "a", "minProbability": 1e999999}',
    "a huge number": b'{"input": "a", "top": ' + b"9" * 100_000 + b"}",
    "a number in octal": b'{"input": "a", "top": 01}',
    "a number with a plus": b'{"input": "a", "top": +1}',
    "hexadecimal": b'{"input": "a", "top": 0x1}',
    "a trailing comma": b'{"input": "a",}',
    "a comment": b'{"input": "a"} // comment',
    "single quotes": b"{'input': 'a'}",
    "no quotes": b'{input: "a"}',
    "two documents": b'{"input": "a"}{"input": "b"}',
    "a document and more": b'{"input": "a"} x',
    "deep lists": b'{"input": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "deep objects": b'{"input": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "lists that do not end": b"[" * 60_000,
    "objects that do not end": b'{"a":' * 10_000,
    "a text that does not end": b'{"input": "' + b"a" * _MEGABYTE,
    "a text of backslashes": b'{"input": "' + b"\\" * (_MEGABYTE + 1) + b'"}',
    "the field twice": b'{"input": "a", "input": "b"}',
    "the field twice, once escaped": rb'{"input": "a", "\u0069nput": "b"}',
    "a nested name twice": b'{"input": {"x": "", "x": ""}}',
    "a name like a prototype": b'{"input": "a", "__proto__": {}}',
    "another case": b'{"INPUT": "a"}',
    "a list": b'[{"input": "a"}]',
    "a text": b'"input"',
    "null": b"null",
    "null input": b'{"input": null}',
    "true": b'{"input": true}',
    "no questions": b'{"input": []}',
    "nested lists": b'{"input": [["a"]]}',
    "numbers": b'{"input": [1, 2]}',
    "blanks": '{"input": "  \u00a0\u2003 "}'.encode(),
    "a long text": json.dumps({"input": "a" * _MEGABYTE}).encode(),
    "many texts": json.dumps({"input": ["a"] * 9000}).encode(),
    "many names": json.dumps({str(i): 1 for i in range(5000)}).encode(),
    "a long name": json.dumps({"n" * _MEGABYTE: 1}).encode(),
}

# Each as the base64 of an image.
BASE64S: Final[dict[str, str]] = {
    "nothing": "",
    "one letter": "A",
    "letters without padding": "AAAAA",
    "padding alone": "====",
    "padding in the middle": "AA==AA==",
    "too much padding": _GOOD + "==",
    "a line break": _GOOD[:76] + "\n" + _GOOD[76:],
    "spaces": _GOOD[:4] + " " + _GOOD[4:],
    "a space at the end": _GOOD + " ",
    "URL-safe letters": "_-_-",
    "a data URL": "data:image/png;base64," + _GOOD,
    "letters beyond ASCII": "äöüß",
    "full-width letters": chr(0xFF21) * 4,
    "a zero character": _GOOD[:8] + "\0" + _GOOD[8:],
    "half of Python's wrapper": "b'" + _GOOD,
    "Python's wrapper twice": f"b'b'{_GOOD}''",
    "Python's wrapper with other quotes": f'b"{_GOOD}"',
    "another wrapper": f"bytearray(b'{_GOOD}')",
    "code": "__import__('os').system('true')",
    "a path": "/etc/passwd",
    "base64 twice": base64.b64encode(_GOOD.encode()).decode(),
    "a megabyte that is none": "!" * _MEGABYTE,
    "a megabyte of an image that is none": "A" * _MEGABYTE,
}

# Content type and body.
FORMS: Final[dict[str, tuple[str, bytes]]] = {
    "no boundary": ("multipart/form-data", _PART),
    "an empty boundary": ("multipart/form-data; boundary=", _PART),
    "a boundary of 1 MB in the body": (FORM, b"--" + b"b" * _MEGABYTE),
    "another boundary": ("multipart/form-data; boundary=c", _PART + b"x\r\n--b--\r\n"),
    "nothing": (FORM, b""),
    "only the end": (FORM, b"--b--\r\n"),
    "no end": (FORM, _PART + plain()),
    "no header": (FORM, b"--b\r\n\r\nx\r\n--b--\r\n"),
    "a header that does not end": (FORM, b"--b\r\nContent-Disposition: " + b"x" * _MEGABYTE),
    "a thousand headers": (FORM, b"--b\r\n" + b"X: y\r\n" * 1000 + b"\r\nx\r\n--b--\r\n"),
    "ten thousand parts": (FORM, (_PART + b"x\r\n") * 10_000 + b"--b--\r\n"),
    "a form within a form": (FORM, _file(more=_MIXED, content=b"--c\r\n\r\nx\r\n--c--")),
    "a path as a name": (FORM, _file(b'filename="../../etc/passwd"')),
    "a name that is not UTF-8": (FORM, _file(b'filename="\xff\xfe"')),
    "a zero character in a name": (FORM, _file(b'filename="a\0b"')),
    "a name in RFC 2231": (FORM, _file(b"filename*=utf-8''%ff%00")),
    "quotes that do not end": (FORM, _file(b'filename="x')),
    "bare line feeds": (FORM, _file().replace(b"\r\n", b"\n")),
    "base64 as a transfer encoding": (
        FORM,
        _file(
            more=b"Content-Transfer-Encoding: base64\r\n", content=base64.b64encode(plain())
        ),
    ),
    "boundaries everywhere": (FORM, b"\r\n--b" * 200_000),
    "line breaks everywhere": (FORM, _PART + b"\r\n" * 500_000),
    "a boundary that nearly comes": (FORM, _PART + b"\r\n--" * 250_000),
}  # fmt: skip

CONTENT_TYPES: Final = (
    "",
    "application/json; charset=utf-16",
    "application/json" + " " * 4000,
    "application/json;" * 200,
    "application/x-python-pickle",
    "application/xml",
    "text/html",
    "image/svg+xml",
    "image/tiff",
    "multipart/mixed; boundary=b",
    "multipart/form-data; boundary=" + "b" * 4000,
    "multipart/form-data; boundary*0=a; boundary*1=b",
    "a/b" * 1000,
    ";;;;",
    "application/json\t",
    "application/json, image/png",
    '"application/json"',
)
