"""What a browser is sent at /ui."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from scoring_server.http.app import create_app
from scoring_server.http.keys import ApiKeys
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import Service
from tests.server.http.conftest import MAX_BODY_BYTES, SETTINGS

FOLDER = Path(__file__).parents[3] / "scoring_image/scoring_server/http/ui/page"
ADDRESSES = ["/ui", *(f"/ui/{path.name}" for path in FOLDER.iterdir() if path.suffix != ".html")]


def client(*, prefix: str = "", page: bool = True, keys: ApiKeys | None = None) -> FlaskClient:
    settings = replace(SETTINGS, path_prefix=prefix, page=page)
    return create_app(Service(None), settings, Metrics(), keys).test_client()


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_file_is_served_with_headers_that_lock_the_page_down(address: str) -> None:
    answer = client().get(address)
    assert answer.status_code == 200
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


def test_the_page_is_answered_while_the_model_is_loading() -> None:
    answer = client().get("/ui")
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")


def test_nothing_in_the_page_is_inline_or_from_elsewhere() -> None:
    document = client().get("/ui").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", document)
    assert not re.search(r"javascript:|(?:src|href|action)=\"(?:https?:)?//", document)
    sources = re.findall(r'(?:src|href)="([^"]+)"', document)
    assert {f"/{source}" for source in sources if not source.startswith("data:")} <= set(ADDRESSES)
    for address in ADDRESSES:
        text = client().get(address).text
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert not re.search(r"localStorage|sessionStorage|document\.cookie|indexedDB", text)


@pytest.mark.parametrize("prefix", ["/faq", "/ui", "/a/b"])
def test_the_page_answers_below_a_prefix(prefix: str) -> None:
    prefixed = client(prefix=prefix)
    assert prefixed.get("/ui").status_code == prefixed.get(f"{prefix}/ui").status_code == 200
    assert prefixed.get(f"{prefix}/ui/page.js").status_code == 200


@pytest.mark.parametrize("prefix", ["", "/faq"])
def test_a_slash_too_many_leads_to_the_page(prefix: str) -> None:
    answer = client(prefix=prefix).get(f"{prefix}/ui/")
    assert (answer.status_code, answer.headers["Location"]) == (308, "../ui")


@pytest.mark.parametrize("address", ["/ui/index.html", "/ui/..%2f..%2froutes.py", "/ui/x.js"])
def test_other_files_are_not_served(address: str) -> None:
    assert client().get(address).status_code == 404


def test_a_browser_that_has_the_file_is_told_so() -> None:
    first = client().get("/ui/page.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client().get("/ui/page.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Content-Security-Policy"]


def test_the_page_asks_for_a_key_where_one_is_needed(tmp_path: Path) -> None:
    (tmp_path / "website").write_text("a-key-of-a-website")
    keyed = client(keys=ApiKeys(tmp_path)).get("/ui")
    assert keyed.status_code == 200  # whoever opens it has no key yet
    assert 'data-keys="needed"' in keyed.text
    assert 'data-keys="unneeded"' in client().get("/ui").text


def test_the_page_knows_what_is_too_large() -> None:
    assert f'data-most-bytes="{MAX_BODY_BYTES}"' in client().get("/ui").text


def test_the_page_can_be_switched_off() -> None:
    for address in (*ADDRESSES, "/ui/"):
        assert client(page=False).get(address).status_code == 404
