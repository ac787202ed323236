import logging
import re

import pytest
from flask.testing import FlaskClient

from scoring_server.http.tracing import trace_of
from tests.server.http.conftest import FakeRanker

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    "given",
    [
        "7f3a9e0a1c2d4e5f8a9b0c1d2e3f4a5b",
        "0d3b2a4c-9a86-4f0c-8a0e-4f3f0f9a2f11",
        "Root=1-67891233-abcdef012345678912345678",
        "a/b+c==",
        "x" * 128,
    ],
)
def test_a_well_formed_request_id_is_kept(given: str) -> None:
    trace = trace_of({"HTTP_X_REQUEST_ID": given})
    assert trace.request_id == given
    assert trace.headers == (("X-Request-Id", given),)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x" * 129,
        "two words",
        'quo"te',
        "a\x1b[31m",
        "a\r\nSet-Cookie: x",
        "ü",
        "a\n",
        "one,two",
    ],
)
def test_another_one_is_replaced(given: str) -> None:
    made = trace_of({"HTTP_X_REQUEST_ID": given}).request_id
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_requests_without_an_id_get_one_each() -> None:
    assert len({trace_of({}).request_id for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "given",
    [
        TRACEPARENT,
        f"00-{TRACE}-{PARENT}-00",
        f"cc-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01-x",
    ],
)
def test_a_valid_traceparent_is_passed_through(given: str) -> None:
    trace = trace_of({"HTTP_TRACEPARENT": given})
    assert trace.trace_id == TRACE
    assert dict(trace.headers)["traceparent"] == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"{TRACEPARENT}-more",
        f"01-{TRACE}-{PARENT}-01x",
        f"{TRACEPARENT},{TRACEPARENT}",
        f"{TRACEPARENT}\n",
    ],
)
def test_an_invalid_traceparent_counts_as_none(given: str) -> None:
    trace = trace_of({"HTTP_TRACEPARENT": given})
    assert trace.trace_id is None
    assert [name for name, _ in trace.headers] == ["X-Request-Id"]


@pytest.mark.parametrize("path", ["/score", "/version", "/nothing", "/healthz/live"])
def test_the_answer_and_the_log_line_have_both_ids(
    faq: FlaskClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG, logger="scoring_server.access")
    headers = {"X-Request-Id": "of-a-proxy", "traceparent": TRACEPARENT}
    if path == "/score":
        answer = faq.post(path, json={"input": "a"}, headers=headers)
    else:
        answer = faq.get(path, headers=headers)
    assert answer.headers.getlist("X-Request-Id") == ["of-a-proxy"]
    assert answer.headers.getlist("traceparent") == [TRACEPARENT]
    (record,) = caplog.records
    assert (vars(record)["requestId"], vars(record)["traceId"]) == ("of-a-proxy", TRACE)


def test_a_refusal_has_its_id_too(faq: FlaskClient) -> None:
    answer = faq.post("/score", data="{", content_type="application/json")
    assert answer.status_code == 400
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_a_failure_is_logged_under_the_id_that_the_client_sees(
    faq: FlaskClient, ranker: FakeRanker, caplog: pytest.LogCaptureFixture
) -> None:
    ranker.error = ValueError("of the test")
    answer = faq.post("/score", json={"input": "a"})
    assert answer.status_code == 500
    logged = {vars(record)["requestId"] for record in caplog.records if record.exc_info}
    assert logged == {answer.headers["X-Request-Id"]}
