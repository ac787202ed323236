"""/openapi.json says what the routes are, and the schemas are schemas."""

import re
from typing import Any

import jsonschema
from flask.testing import FlaskClient

from scoring_server.http.app import create_app
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import Scorer, Service
from tests.server.http.conftest import SETTINGS, FakeRanker, faq_scorer


def routes(scorer: Scorer | None) -> dict[str, set[str]]:
    """Methods by path, as the app has them; the page's own files are the page's affair."""
    app = create_app(Service(scorer), SETTINGS, Metrics())
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        methods = {method.lower() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
        if not path.startswith("/ui/"):
            found.setdefault(path, set()).update(methods)
    return found


def test_it_describes_every_route_and_no_other(faq: FlaskClient, ranker: FakeRanker) -> None:
    paths = faq.get("/openapi.json").get_json()["paths"]
    described = {path: methods.keys() - {"parameters"} for path, methods in paths.items()}
    assert described == routes(faq_scorer(ranker))


def test_all_schemas_are_schemas(faq: FlaskClient, images: FlaskClient) -> None:
    for client in (faq, images):
        found = list(schemas(client.get("/openapi.json").get_json()))
        assert len(found) > 30
        for schema in found:
            jsonschema.Draft202012Validator.check_schema(schema)


def schemas(document: Any) -> Any:
    if isinstance(document, dict):
        if "schema" in document:
            yield document["schema"]
        for value in document.values():
            yield from schemas(value)
    elif isinstance(document, list):
        for value in document:
            yield from schemas(value)


def test_answers_are_as_described(faq: FlaskClient) -> None:
    document = faq.get("/openapi.json").get_json()
    operation = document["paths"]["/score"]["post"]
    for body, status in (
        ({"input": "why?"}, 200),
        ({"input": ["why?", "how?"], "top": 1}, 200),
        ({}, 400),
    ):
        answer = faq.post("/score", json=body)
        assert answer.status_code == status
        described = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.get_json(), described)


def test_a_loading_server_has_no_description_yet(loading: FlaskClient) -> None:
    answer = loading.get("/openapi.json")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"


def test_without_keys_none_are_asked_for(faq: FlaskClient) -> None:
    assert "security" not in faq.get("/openapi.json").text
