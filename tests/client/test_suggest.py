"""The example application against a real server process."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from scoring_client import Retries, ScoringClient
from suggest.app import create_app
from tests.client.scripted import refusal, scripted
from tests.server.server_process import ServerProcess


@pytest.fixture
def app(faq: ServerProcess) -> Iterator[FlaskClient]:
    with ScoringClient(f"http://127.0.0.1:{faq.port}/faq", timeout_seconds=60) as client:
        yield create_app(client).test_client()


def test_the_page_and_its_files_are_served_locked_down(app: FlaskClient) -> None:
    for address in ("/", "/page/page.js", "/page/page.css"):
        answer = app.get(address)
        assert answer.status_code == 200
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_known_questions_are_suggested_for_what_was_typed_so_far(app: FlaskClient) -> None:
    answer = app.post("/suggestions", json={"text": "remove duplic"})
    first, *_ = answer.get_json()["suggestions"]
    assert first["question"] == "How do I remove duplicates from an array?"
    assert "Set" in first["answer"]


@pytest.mark.parametrize("text", ["", "ab", "   "])
def test_a_letter_or_two_suggest_nothing(app: FlaskClient, text: str) -> None:
    assert app.post("/suggestions", json={"text": text}).get_json() == {"suggestions": []}


@pytest.mark.parametrize("document", [{}, [], {"text": 3}, {"text": "x" * 501}])
def test_what_is_no_text_is_refused(app: FlaskClient, document: object) -> None:
    assert app.post("/suggestions", json=document).status_code == 400


def test_a_busy_service_is_no_suggestions_at_the_moment() -> None:
    with scripted(refusal(503)) as service:
        client = ScoringClient(service.url, retries=Retries(attempts=1))
        answer = create_app(client).test_client().post("/suggestions", json={"text": "anything"})
    assert (answer.status_code, answer.get_json()) == (
        503,
        {"error": "no suggestions at the moment"},
    )
