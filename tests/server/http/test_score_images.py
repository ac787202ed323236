import base64
import io
import threading

import pytest
from flask.testing import FlaskClient

from scoring_server.http.images import ImageScorer
from tests.server.http.conftest import client_of, later
from tests.server.images.fakes import ColourBackend
from tests.server.pictures import BLUE, GREEN, RED, plain


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def first(answer: dict[str, list[list[object]]], name: str) -> object:
    return answer[name][0][0]


def test_named_images_in_json_get_three_labels_each(images: FlaskClient) -> None:
    answer = images.post(
        "/score", json={"input": {"a": encoded(plain(RED)), "b": encoded(plain(BLUE))}}
    )
    assert answer.status_code == 200
    ranking, time_taken = answer.get_json()["result"]
    assert list(ranking) == ["a", "b"]
    assert first(ranking, "a") == "n00000001 red"
    assert first(ranking, "b") == "n00000003 blue"
    assert [len(labels) for labels in ranking.values()] == [3, 3]
    assert isinstance(ranking["a"][0][1], float)
    assert time_taken.startswith("Computed in ")


@pytest.mark.parametrize("wrapper", ['"{}"', "b'{}'", "\"b'{}'\""])
def test_the_reference_clients_wrappers_around_base64_are_understood(
    images: FlaskClient, wrapper: str
) -> None:
    text = wrapper.format(encoded(plain(GREEN)))
    answer = images.post("/score", json={"input": {"x": text}})
    assert first(answer.get_json()["result"][0], "x") == "n00000002 green"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_raw_body_is_one_image(images: FlaskClient, image_format: str) -> None:
    answer = images.post(
        "/score",
        data=plain(BLUE, image_format=image_format),
        content_type=f"image/{image_format.lower()}",
    )
    assert first(answer.get_json()["result"][0], "image") == "n00000003 blue"


@pytest.mark.parametrize("name", ["image/jpg", "Image/JPG; charset=binary"])
def test_what_many_call_a_jpeg_is_one(images: FlaskClient, name: str) -> None:
    answer = images.post("/score", data=plain(BLUE), content_type=name)
    assert first(answer.get_json()["result"][0], "image") == "n00000003 blue"


def test_a_form_holds_images_by_file_name(images: FlaskClient) -> None:
    form = {
        "one": (io.BytesIO(plain(RED)), "red.jpg"),
        "two": (io.BytesIO(plain(GREEN)), "green.jpg"),
    }
    answer = images.post("/score", data=form, content_type="multipart/form-data")
    ranking = answer.get_json()["result"][0]
    assert first(ranking, "red.jpg") == "n00000001 red"
    assert first(ranking, "green.jpg") == "n00000002 green"


def test_a_busy_house_refuses_at_once_and_says_when_to_come_back(
    image_scorer: ImageScorer, backend: ColourBackend
) -> None:
    client = client_of(image_scorer)
    backend.go_on.clear()
    statuses: list[int] = []

    def ask() -> None:
        body = plain()
        statuses.append(client.post("/score", data=body, content_type="image/jpeg").status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]  # as many as may score at once
    for thread in threads:
        thread.start()
    deadline = later()
    while image_scorer._classifier.batcher.admission.taken < len(threads):
        assert later(0) < deadline
    answer = client.post("/score", data=plain(), content_type="image/jpeg")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.get_json()["error"]["code"] == "overloaded"
    assert client.get("/healthz/live").status_code == 200
    backend.go_on.set()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 8
    metrics = client.get("/metrics").text
    assert 'scoring_refusals_total{reason="overloaded"} 1.0' in metrics


def test_a_failing_model_is_a_500_without_internals(
    images: FlaskClient, backend: ColourBackend
) -> None:
    backend.error = OSError("/secret/path")
    answer = images.post("/score", data=plain(), content_type="image/jpeg")
    assert answer.status_code == 500
    assert answer.get_json() == {
        "error": {
            "code": "internal",
            "message": "the server failed on this request; its log says why",
        }
    }
