import logging

import pytest
from flask.testing import FlaskClient

from scoring_server.process.logs import JsonFormatter
from tests.server.http.conftest import FakeRanker

SECRET = "canary-7f3a"


def lines(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(JsonFormatter().format(record) for record in caplog.records)


def own(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Without those of other libraries, whose threads in this process may log at any time."""
    return [record for record in caplog.records if record.name.startswith("scoring_server.")]


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def test_a_request_is_one_line(faq: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    faq.post("/score", json={"input": "a"})
    (record,) = own(caplog)
    fields = vars(record)
    assert (fields["method"], fields["route"], fields["status"]) == ("POST", "/score", 200)
    assert fields["milliseconds"] >= 0
    assert fields["bytesIn"] > 0


def test_probes_and_scrapes_are_logged_at_debug_level(
    faq: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/healthz/live", "/healthz/ready", "/metrics"):
        faq.get(path)
    assert {record.levelno for record in own(caplog)} == {logging.DEBUG}


def test_nothing_of_a_request_but_its_route_is_logged(
    faq: FlaskClient, ranker: FakeRanker, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"X-Api-Key": SECRET, "Content-Type": "application/json"}
    for body in (f'{{"input": "{SECRET}"}}', f"{SECRET}", f'{{"input": ["{SECRET}", 3]}}'):
        faq.post(f"/score?key={SECRET}", data=body, headers=headers)
    faq.get(f"/{SECRET}", headers=headers)
    ranker.error = ValueError(f"cannot rank {SECRET}")
    answer = faq.post("/score", json={"input": SECRET})
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "ValueError" in lines(caplog)
    assert SECRET not in lines(caplog)
