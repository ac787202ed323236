"""POST /score with keys: who gets through, and what the others are told."""

import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from scoring_server.http.keys import ApiKeys
from scoring_server.process.logs import JsonFormatter
from tests.server.http.conftest import FakeRanker, client_of, faq_scorer

KEY = "canary-0123456789,abc"
OTHER = "another-0123456789"
REFUSED = {
    "error": {
        "code": "unauthorized",
        "message": "an API key is needed: send it as X-API-Key or as Authorization: Bearer",
    }
}


@pytest.fixture
def guarded(ranker: FakeRanker, tmp_path: Path) -> FlaskClient:
    (tmp_path / "mobile-app").write_text(KEY)
    (tmp_path / "batch").write_text(OTHER)
    return client_of(faq_scorer(ranker), keys=ApiKeys(tmp_path), prefix="/faq")


def post(client: FlaskClient, *headers: tuple[str, str], path: str = "/score") -> int:
    answer = client.post(path, json={"input": "a"}, headers=list(headers))
    if answer.status_code == 401:
        assert answer.get_json() == REFUSED
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    return answer.status_code


ACCEPTED = {
    "X-API-Key": [("X-API-Key", KEY)],
    "Bearer": [("Authorization", f"Bearer {KEY}")],
    "bearer in small letters": [("Authorization", f"bearer {KEY}")],
    "several spaces": [("Authorization", f"Bearer   {KEY} ")],
    "both with the same key": [("X-API-Key", KEY), ("Authorization", f"Bearer {KEY}")],
    "X-API-Key beside a proxy's own": [("X-API-Key", KEY), ("Authorization", "Basic Zm9vOmJhcg==")],
    "X-API-Key beside another token": [("X-API-Key", KEY), ("Authorization", "Bearer eyJhbGci")],
}
TURNED_AWAY: dict[str, list[tuple[str, str]]] = {
    "nothing": [],
    "a wrong key": [("X-API-Key", KEY[:-1])],
    "an empty key": [("X-API-Key", "")],
    "a wrong key beside a right one": [("X-API-Key", "x"), ("Authorization", f"Bearer {KEY}")],
    "an empty key beside a right one": [("X-API-Key", ""), ("Authorization", f"Bearer {KEY}")],
    "another scheme": [("Authorization", f"Basic {KEY}")],
    "a key without a scheme": [("Authorization", KEY)],
    "a scheme without a key": [("Authorization", "Bearer")],
    "an empty Authorization": [("Authorization", "")],
    "two schemes in one": [("Authorization", f"Basic x, Bearer {KEY}")],
    "two of Authorization": [("Authorization", "Basic x"), ("Authorization", f"Bearer {KEY}")],
    "two of X-API-Key": [("X-API-Key", KEY), ("X-API-Key", KEY)],
    "letters beyond ASCII": [("X-API-Key", "schlüssel-0123456789")],
    "a huge key": [("X-API-Key", KEY * 10_000)],
    "another header": [("Api-Key", KEY)],
    "a cookie": [("Cookie", f"X-API-Key={KEY}")],
}


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED)
def test_a_key_opens(guarded: FlaskClient, headers: list[tuple[str, str]]) -> None:
    assert post(guarded, *headers) == 200


@pytest.mark.parametrize("headers", TURNED_AWAY.values(), ids=TURNED_AWAY)
def test_anything_else_is_refused_without_a_hint(
    guarded: FlaskClient, ranker: FakeRanker, headers: list[tuple[str, str]]
) -> None:
    assert post(guarded, *headers) == 401
    assert ranker.asked == []


def test_a_key_in_the_address_is_none(guarded: FlaskClient) -> None:
    assert post(guarded, path=f"/score?X-API-Key={KEY}&api_key={KEY}") == 401


def test_the_prefix_is_guarded_too(guarded: FlaskClient) -> None:
    assert post(guarded, path="/faq/score") == 401
    assert post(guarded, ("X-API-Key", OTHER), path="/faq/score") == 200


def test_without_a_key_nothing_is_told_about_the_request_itself(guarded: FlaskClient) -> None:
    assert guarded.post("/score", data=b"{", content_type="image/jpeg").status_code == 401
    assert guarded.post("/score", data=b"x" * 200_000).status_code == 401


def test_a_loading_server_refuses_wrong_keys_first(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(KEY)
    client = client_of(None, keys=ApiKeys(tmp_path))
    assert post(client) == 401
    assert post(client, ("X-API-Key", KEY)) == 503


def test_what_tells_about_the_server_needs_no_key(guarded: FlaskClient) -> None:
    for path in ("/", "/version", "/healthz/live", "/healthz/ready", "/metrics"):
        assert guarded.get(path).status_code == 200
        assert KEY not in guarded.get(path).text


def test_refusals_are_counted(guarded: FlaskClient) -> None:
    post(guarded)
    metrics = guarded.get("/metrics").text
    assert 'scoring_refusals_total{reason="unauthorized"} 1.0' in metrics
    assert 'scoring_requests_total{route="/score",status="401"} 1.0' in metrics


def test_the_log_names_the_key_and_never_holds_it(
    guarded: FlaskClient, ranker: FakeRanker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post(guarded, ("X-API-Key", KEY))
    post(guarded, ("Authorization", f"Bearer {OTHER}"))
    post(guarded, ("X-API-Key", KEY + "x"))
    ranker.error = RuntimeError(KEY)
    assert post(guarded, ("X-API-Key", KEY)) == 500
    names = [vars(r).get("apiKey") for r in caplog.records if r.getMessage() == "request"]
    assert names == ["mobile-app", "batch", None, "mobile-app"]
    lines = "\n".join(JsonFormatter().format(record) for record in caplog.records)
    assert "canary" not in lines
    assert "another" not in lines
