import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from scoring_server.http.images import ImageScorer
from tests.server.http.conftest import TIMEOUT_SECONDS, client_of, model_info
from tests.server.pictures import plain


def test_the_root_says_healthy(faq: FlaskClient) -> None:
    answer = faq.get("/")
    assert (answer.status_code, answer.text) == (200, "Healthy")


def test_version_shows_the_model_and_what_computes_it(images: FlaskClient) -> None:
    document = images.get("/version").get_json()
    assert document.pop("version")
    assert document == {
        "model": {
            "type": "image-classification",
            "name": "a name",
            "digest": "sha256:0",
            "weights": "trained",
            "source": "a test",
        },
        "backend": {
            "name": "fake",
            "precision": "f64",
            "device": "cpu",
            "batch": {"size": 4, "measured": False, "rates": {}},
        },
        "workers": 1,
        "threads": 10,
    }


def test_a_loading_server_is_alive_but_not_ready_and_scores_nothing(loading: FlaskClient) -> None:
    assert loading.get("/healthz/live").get_json() == {"status": "live"}
    ready = loading.get("/healthz/ready")
    assert (ready.status_code, ready.get_json()) == (503, {"status": "loading"})
    answer = loading.post("/score", json={"input": "a"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.get_json()["error"]["code"] == "loading"
    assert loading.get("/version").get_json()["model"] is None


def test_a_loaded_server_is_ready(faq: FlaskClient, images: FlaskClient) -> None:
    for client in (faq, images):
        answer = client.get("/healthz/ready")
        assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})
        assert client.get("/healthz/live").status_code == 200


def test_a_stuck_inference_thread_fails_the_liveness_probe() -> None:
    class Stuck:
        model = model_info("image-classification")
        media_types = ()

        def stalled_seconds(self) -> float:
            return 2 * TIMEOUT_SECONDS + 1

    answer = client_of(Stuck()).get("/healthz/live")  # type: ignore[arg-type]  # all that is asked
    assert (answer.status_code, answer.get_json()) == (503, {"status": "stalled"})


def test_a_dead_inference_thread_fails_the_liveness_probe(image_scorer: ImageScorer) -> None:
    client = client_of(image_scorer)
    assert client.get("/healthz/live").status_code == 200
    image_scorer.close()
    assert client.get("/healthz/live").status_code == 503


def test_metrics_count_requests_by_route_and_status(images: FlaskClient) -> None:
    images.post("/score", data=plain(), content_type="image/jpeg")
    images.post("/score", data=b"", content_type="image/jpeg")
    images.get("/secret-path")
    answer = images.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    assert 'scoring_requests_total{route="/score",status="200"} 1.0' in answer.text
    assert 'scoring_requests_total{route="/score",status="422"} 1.0' in answer.text
    assert 'scoring_requests_total{route="unmatched",status="404"} 1.0' in answer.text
    assert "secret" not in answer.text
    assert re.search(r"^scoring_requests_in_flight 0.0$", answer.text, re.MULTILINE)


def test_an_unknown_address_is_a_404_in_json(faq: FlaskClient) -> None:
    answer = faq.get("/nothing")
    assert answer.status_code == 404
    assert answer.get_json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["score", "//score", "v2/models/x/infer", "//v2/models/x/versions/1/infer"]
)
def test_a_scoring_address_that_is_written_in_another_way_is_a_404(
    faq: FlaskClient, path: str
) -> None:
    environ = EnvironBuilder(method="POST", data="{}").get_environ() | {"PATH_INFO": path}
    _, status, _ = run_wsgi_app(faq.application, environ)
    assert status == "404 NOT FOUND"


def test_a_wrong_method_is_a_405_that_names_the_right_ones(faq: FlaskClient) -> None:
    answer = faq.get("/score")
    assert answer.status_code == 405
    assert answer.get_json()["error"]["code"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]


def test_a_server_without_batches_shows_no_metrics_of_them(faq: FlaskClient) -> None:
    faq.post("/score", json={"input": "a"})
    metrics = faq.get("/metrics").text
    for name in ("scoring_batch_size", "scoring_inference_duration", "scoring_expired_items"):
        assert name not in metrics
