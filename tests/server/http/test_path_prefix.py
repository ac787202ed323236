import pytest
from flask.testing import FlaskClient

from tests.server.http.conftest import FakeRanker, client_of, faq_scorer

PATHS = ("/", "/version", "/healthz/live", "/healthz/ready", "/metrics")


def client(ranker: FakeRanker, prefix: str) -> FlaskClient:
    return client_of(faq_scorer(ranker), prefix=prefix)


@pytest.mark.parametrize("prefix", ["/faq", "/a/b", "/v~1.0-x_y"])
def test_every_route_answers_with_and_without_the_prefix(ranker: FakeRanker, prefix: str) -> None:
    prefixed = client(ranker, prefix)
    for path in PATHS:
        plain, other = prefixed.get(path), prefixed.get(prefix + path)
        assert plain.status_code == other.status_code == 200
        if path != "/metrics":  # they count
            assert plain.text == other.text
    for path in ("/score", f"{prefix}/score"):
        assert prefixed.post(path, json={"input": "a"}).status_code == 200
        refused = prefixed.get(path)
        assert (refused.status_code, "POST" in refused.headers["Allow"]) == (405, True)
    assert prefixed.get(prefix).text == "Healthy"
    metrics = prefixed.get("/metrics").text
    assert 'scoring_requests_total{route="/score",status="200"} 2.0' in metrics
    assert prefix not in metrics


@pytest.mark.parametrize("path", ["/faqs/score", "/fa/score", "/faq/faq/score", "/x/faq/score"])
def test_other_paths_stay_unknown(ranker: FakeRanker, path: str) -> None:
    assert client(ranker, "/faq").post(path, json={"input": "a"}).status_code == 404


@pytest.mark.parametrize("prefix", ["/score", "/healthz", "/metrics", "/version", "/healthz/live"])
def test_a_prefix_with_the_name_of_a_route_hides_none(ranker: FakeRanker, prefix: str) -> None:
    prefixed = client(ranker, prefix)
    for path in PATHS:
        assert prefixed.get(path).text == client(ranker, "").get(path).text or path == "/metrics"
        assert prefixed.get(prefix + path).status_code == 200
    for path in ("/score", f"{prefix}/score"):
        assert prefixed.post(path, json={"input": "a"}).status_code == 200


def test_without_a_prefix_there_is_none(faq: FlaskClient) -> None:
    assert faq.post("/faq/score", json={"input": "a"}).status_code == 404
