"""Canary secrets, put wherever a client or an operator may put one: none comes out."""

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.server.attacks.target import Target
from tests.server.pictures import plain
from tests.server.runtime.conftest import faq_variables, image_variables

CANARY = "canary0a7f3d9e5b"
KEY = f"{CANARY}-key-0123456789"
# The id of the last request: when its line is there, all are.
LAST = "the-last-of-all"
PLACES = {
    "a wrong key": {"X-API-Key": CANARY},
    "a right key": {"X-API-Key": KEY},
    "a wrong bearer": {"Authorization": f"Bearer {CANARY}"},
    "a right bearer": {"Authorization": f"Bearer {KEY}"},
    "basic": {"Authorization": f"Basic {CANARY}"},
    "a cookie": {"Cookie": f"session={CANARY}"},
    "a proxy's key": {"Proxy-Authorization": CANARY},
    "a header of one's own": {"X-Secret": CANARY, CANARY: "x"},
    "a user agent": {"User-Agent": CANARY},
    "a referrer": {"Referer": f"https://x/?{CANARY}"},
    "an address": {"X-Forwarded-For": CANARY, "Forwarded": f"for={CANARY}"},
    "a malformed request id": {"X-Request-Id": f"{CANARY} {{}}"},
    "a malformed trace": {"traceparent": CANARY, "tracestate": f"a={CANARY}", "baggage": CANARY},
    "a media type": {"Content-Type": f"application/{CANARY}"},
    "a boundary": {"Content-Type": f"multipart/form-data; boundary={CANARY}"},
    "a coding": {"Content-Encoding": CANARY},
    "a time": {"X-Request-Timeout-Ms": CANARY},
    "the length of a head": {"Inference-Header-Content-Length": CANARY},
    "a range": {"Range": CANARY, "If-None-Match": CANARY, "Accept": CANARY},
}
JSONS = (
    f'{{"input": "{CANARY}"}}',
    f'{{"input": ["{CANARY}", 3]}}',
    f'{{"{CANARY}": 1}}',
    f'{{"input": {{"{CANARY}": "{CANARY}"}}}}',
    f'{{"input": {{"{CANARY}": "AAAA"}}}}',
    f'{{"input": "{CANARY}", "input": "{CANARY}"}}',
    f'{{"input": "a", "top": "{CANARY}"}}',
    f'{{"input": "{CANARY}',
    CANARY,
    f'{{"id": "{CANARY}", "inputs": [{{"name": "{CANARY}"}}]}}',
    json.dumps({"input": {"x": base64.b64encode(CANARY.encode() + plain()).decode()}}),
)
PATHS = (
    "/score",
    f"/score?key={CANARY}",
    f"/{CANARY}",
    f"/v2/models/{CANARY}/infer",
    f"/v2/models/faq-matching/versions/{CANARY}/infer",
    f"/v2/models/{CANARY}",
    f"/ui/{CANARY}",
    f"/openapi.json?{CANARY}",
)
RAW = (
    f"GET /{CANARY} {CANARY}\r\n\r\n",
    f"{CANARY}\r\n\r\n",
    f"{CANARY} / HTTP/1.1\r\nHost: {CANARY}\r\n\r\n",
    f"POST /score HTTP/1.1\r\nX-{CANARY} : x\r\n\r\n",
    f"POST /score HTTP/1.1\r\nContent-Length: {CANARY}\r\n\r\n",
    f"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
    f"POST /score HTTP/1.1\r\nContent-Length: 100\r\n\r\n{CANARY}",
)


@pytest.fixture(params=["faq", "images"])
def target(
    request: pytest.FixtureRequest, faq_model: Path, colour_model: Path, tmp_path: Path
) -> Iterator[Target]:
    variables = {
        "faq": {**faq_variables(faq_model), "SCORING_WORKERS": "1"},
        "images": image_variables(colour_model),
    }[request.param]
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "mine").write_text(KEY)
    with Target(
        tmp_path,
        **variables,
        SCORING_LOG_LEVEL="debug",
        SCORING_API_KEYS_DIR=str(keys),
        PASSWORD=CANARY,
        SCORING_PASSWORD=CANARY,
    ) as target:
        yield target


def test_no_canary_comes_out(target: Target) -> None:
    asked = 0
    for path in PATHS:
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            send(target, method, path, JSONS[0].encode(), {"X-API-Key": KEY})
            asked += 1
    for headers in PLACES.values():
        for path in ("/score", "/v2/models/faq-matching/infer", "/version"):
            status, answer = send(target, "POST", path, JSONS[0].encode(), headers)
            assert CANARY not in answer, (path, headers)
            asked += 1
    for body in JSONS:
        for path in ("/score", "/v2/models/faq-matching/infer"):
            headers = {"Content-Type": "application/json", "X-API-Key": KEY}
            status, _ = send(target, "POST", path, body.encode(), headers)
            assert status < 500
            asked += 1
    for text in RAW:
        assert CANARY.encode() not in target.exchange(text.encode()).data
        asked += 1
    metrics = target.get("/metrics")[1].decode()
    assert "scoring_requests_total" in metrics
    assert CANARY not in metrics
    assert CANARY not in target.get("/version")[1].decode()
    assert CANARY not in target.get("/openapi.json")[1].decode()
    send(target, "GET", "/version", b"", {"X-Request-Id": LAST})
    target.wait_for_log(LAST)
    log = target.log.read_text()
    # Each request has its line; raw ones that never became one may have theirs.
    assert len(log.splitlines()) >= asked - len(RAW)
    assert all(isinstance(line, dict) for line in target.log_lines())
    assert CANARY not in log
    target.check_unharmed()
    record("X4", "the server, at debug level", f"{asked} requests: 0 in logs, metrics, errors")


def send(
    target: Target, method: str, path: str, body: bytes, headers: dict[str, str]
) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
