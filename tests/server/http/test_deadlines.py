"""X-Request-Timeout-Ms: a caller may ask for less time than the server allows."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from scoring_server.http.deadlines import seconds_allowed
from scoring_server.http.errors import ApiError
from tests.server.http.conftest import FakeRanker, Ranking


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, 5.0), ("1", 0.001), ("250", 0.25), ("999999999", 5.0)]
)
def test_it_shortens_the_time_and_never_lengthens_it(text: str | None, seconds: float) -> None:
    environ = {} if text is None else {"HTTP_X_REQUEST_TIMEOUT_MS": text}
    assert seconds_allowed(environ, 5.0) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "1e3", "soon", "\u0663", "1" * 10])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as raised:
        seconds_allowed({"HTTP_X_REQUEST_TIMEOUT_MS": text}, 5.0)
    assert (raised.value.status, raised.value.code) == (400, "invalid_header")


def test_the_route_reads_it(faq: FlaskClient) -> None:
    body = {"input": "a question"}
    answer = faq.post("/score", json=body, headers={"X-Request-Timeout-Ms": "later"})
    assert answer.status_code == 400
    assert "X-Request-Timeout-Ms" in answer.get_json()["error"]["message"]


def test_a_list_is_given_up_where_its_time_is_over(
    faq: FlaskClient, ranker: FakeRanker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rank = ranker.rank
    pauses = [2.1]

    def slowly(questions: list[str], **options: Any) -> list[Ranking]:
        time.sleep(pauses.pop() if pauses else 0.0)
        return rank(questions, **options)

    monkeypatch.setattr(ranker, "rank", slowly)
    body = {"input": ["a question"] * 256}
    answer = faq.post("/score", json=body, headers={"X-Request-Timeout-Ms": "2000"})
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "deadline_exceeded"
    assert len(ranker.asked) == 1
    answer = faq.post("/score", json={"input": ["a question"] * 40})
    assert len(answer.get_json()["result"][0]) == 40
