"""What an inference answers, and how it refuses."""

import base64
import json
import struct
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.server.http.conftest import FakeRanker, client_of, faq_scorer
from tests.server.pictures import plain

FAQ = "/v2/models/faq-matching/infer"
IMAGES = "/v2/models/image-classification/infer"
RED = base64.b64encode(plain((255, 0, 0))).decode()


def questions(*texts: object, **fields: object) -> dict[str, Any]:
    tensor: dict[str, Any] = {
        "name": "questions",
        "datatype": "BYTES",
        "shape": [len(texts)],
        "data": list(texts),
    }
    return {"inputs": [tensor | fields]}


def test_questions_are_ranked(faq: FlaskClient) -> None:
    answer = faq.post(FAQ, json=questions("why?", "how?") | {"id": "mine"})
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == {
        "model_name": "a name",
        "model_version": "1",
        "id": "mine",
        "outputs": [
            {
                "name": "original_ids",
                "datatype": "INT64",
                "shape": [2, 2],
                "data": [11, 22, 11, 22],
            },
            {
                "name": "answer_ids",
                "datatype": "INT64",
                "shape": [2, 2],
                "data": [111, 222, 111, 222],
            },
            {
                "name": "probabilities",
                "datatype": "FP64",
                "shape": [2, 2],
                "data": [0.75, 0.25, 0.75, 0.25],
            },
            {"name": "none_probabilities", "datatype": "FP64", "shape": [2], "data": [0.0, 0.0]},
        ],
    }


def test_ids_that_are_texts_are_a_tensor_of_texts(ranker: FakeRanker) -> None:
    ranker.originals = type(ranker.originals)(("a", 22), (111, 222))
    outputs = client_of(faq_scorer(ranker)).post(FAQ, json=questions("why?")).get_json()["outputs"]
    assert (outputs[0]["datatype"], outputs[0]["data"]) == ("BYTES", ["11", "22"])


def test_images_are_classified_in_base64_and_as_files(images: FlaskClient) -> None:
    tensor: dict[str, Any] = {"name": "images", "datatype": "BYTES", "shape": [1]}
    answer = images.post(IMAGES, json={"inputs": [tensor | {"data": [RED]}]}).get_json()
    labels, probabilities = answer["outputs"]
    assert labels["shape"] == [1, 3]
    assert labels["data"][0] == "n00000001 red"
    assert probabilities["data"] == sorted(probabilities["data"], reverse=True)
    element = binary(plain((255, 0, 0)))
    tensor["parameters"] = {"binary_data_size": len(element)}
    assert post_binary(images, IMAGES, {"inputs": [tensor]}, element).get_json() == answer


def test_outputs_are_given_as_they_are_asked_for(faq: FlaskClient) -> None:
    asked = questions("why?") | {
        "outputs": [
            {"name": "probabilities", "parameters": {"binary_data": True}},
            {"name": "answer_ids"},
        ]
    }
    answer = faq.post(FAQ, json=asked)
    head_bytes = int(answer.headers["Inference-Header-Content-Length"])
    answer_ids, probabilities = json.loads(answer.data[:head_bytes])["outputs"]
    assert answer_ids["data"] == [111, 222]
    assert probabilities["parameters"] == {"binary_data_size": 16}
    assert struct.unpack("<2d", answer.data[head_bytes:]) == (0.75, 0.25)
    assert answer.content_type == "application/octet-stream"


def test_top_is_a_parameter(faq: FlaskClient, ranker: FakeRanker) -> None:
    faq.post(FAQ, json=questions("why?") | {"parameters": {"top": 7}})
    assert ranker.asked == [(["why?"], 7, 0.0)]


def test_the_shape_may_have_further_dimensions_of_one(faq: FlaskClient) -> None:
    assert faq.post(FAQ, json=questions(["a"], ["b"], shape=[2, 1])).status_code == 200
    assert faq.post(FAQ, json=questions("a", "b", shape=[2, 1])).status_code == 200


def test_a_path_prefix_and_a_version_are_understood(ranker: FakeRanker) -> None:
    client = client_of(faq_scorer(ranker), prefix="/faq")
    for path in (
        "/faq/v2/models/faq-matching/infer",
        "/v2/models/faq-matching/versions/1/infer",
        "/v2/models/a name/infer",
    ):
        assert client.post(path, json=questions("why?")).status_code == 200, path


REFUSED: dict[str, tuple[str | bytes | dict[str, Any], int, str]] = {
    "no JSON": ("{", 400, "the body is not valid JSON (line 1, column 2)"),
    "a name twice": (
        json.dumps(questions("a")).replace('"shape"', '"shape": [1], "shape"'),
        400,
        "the name 'shape' is there twice in one object",
    ),
    "a list": ("[]", 400, "the body must be a JSON object"),
    "no inputs": ({}, 400, "\"inputs\" must hold one tensor, 'questions'"),
    "inputs that are no tensors": ({"inputs": [3]}, 400, '"inputs" must hold one tensor, \'quest'),
    "two inputs": (
        {"inputs": questions("a")["inputs"] * 2},
        400,
        "\"inputs\" must hold one tensor, 'questions'",
    ),
    "another input": (questions("a", name="x"), 400, "the input must be called 'questions'"),
    "another datatype": (questions("a", datatype="FP32"), 400, "must have the datatype BYTES"),
    "no shape": (questions("a", shape=None), 400, "the shape of 'questions' must be [n] or"),
    "a shape of texts": (questions("a", shape=["1"]), 400, "the shape of 'questions' must be"),
    "a shape of truths": (questions("a", shape=[True]), 400, "the shape of 'questions' must be"),
    "an empty shape": (questions("a", shape=[]), 400, "the shape of 'questions' must be"),
    "nothing": (questions(shape=[0]), 400, "the shape of 'questions' must be"),
    "a negative shape": (questions("a", shape=[-1]), 400, "the shape of 'questions' must be"),
    "a matrix": (questions("a", "b", shape=[1, 2]), 400, "the shape of 'questions' must be"),
    "another count": (questions("a", shape=[2]), 400, "has other than 2 elements, as its shape"),
    "a huge count": (questions("a", shape=[10**18]), 413, "elements: send 256"),
    "no data": (questions("a", data=None), 400, "\"data\" of 'questions' must be a list of texts"),
    "numbers": (questions(1), 400, "\"data\" of 'questions' must be a list of texts"),
    "an empty text": (questions(" "), 400, "every question must be a text that is not empty"),
    "a text id": (questions("a") | {"id": 3}, 400, '"id" must be a text'),
    "bad parameters": (questions("a") | {"parameters": []}, 400, '"parameters" must be an object'),
    "bad values": (questions("a") | {"parameters": {"x": {}}}, 400, '"parameters" must be an obj'),
    "a bad top": (questions("a") | {"parameters": {"top": 0}}, 400, '"top" must be a whole number'),
    "an unknown output": (
        questions("a") | {"outputs": [{"name": "x"}]},
        400,
        '"outputs" may have each of original_ids, answer_ids, probabilities, none_probabilities',
    ),
    "an output twice": (
        questions("a") | {"outputs": [{"name": "answer_ids"}] * 2},
        400,
        '"outputs" may have each of',
    ),
    "outputs that are none": (questions("a") | {"outputs": 3}, 400, '"outputs" must be a list'),
    "a length without data": (
        questions("a", parameters={"binary_data_size": 3}),
        400,
        "\"binary_data_size\" of 'questions' must be the length of the data",
    ),
}


@pytest.mark.parametrize(("body", "status", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_requests_are_refused_in_a_sentence(
    faq: FlaskClient, body: str | bytes | dict[str, Any], status: int, message: str
) -> None:
    data = json.dumps(body) if isinstance(body, dict) else body
    refuses(faq.post(FAQ, data=data, content_type="application/json"), status, message)


def test_binary_data_that_does_not_fit_is_refused(faq: FlaskClient) -> None:
    cases = {
        b"\5\0\0\0abc": "ends within an element",
        b"\5\0": "ends within an element",
        binary(b"a", b"b"): "other than 1 elements",
        b"": "other than 1 elements",
        binary(b"\xff"): "not valid UTF-8",
        binary(*[b""] * 1000): "other than 1 elements",
    }
    for data, message in cases.items():
        tensor: dict[str, Any] = {"name": "questions", "datatype": "BYTES", "shape": [1]}
        tensor["parameters"] = {"binary_data_size": len(data)}
        refuses(post_binary(faq, FAQ, {"inputs": [tensor]}, data), 400, message)
    refuses(post_binary(faq, FAQ, questions("a"), b"more"), 400, "belongs to no tensor")


@pytest.mark.parametrize("head", ["-1", "1e3", "9" * 5000, "", "٣", "100000"])
def test_a_length_of_the_head_that_cannot_be_is_refused(faq: FlaskClient, head: str) -> None:
    headers = {"Inference-Header-Content-Length": head.encode().decode("latin-1")}
    refuses(faq.post(FAQ, json=questions("a"), headers=headers), 400, "Inference-Header-Content-L")


def test_a_bad_image_is_named_by_its_place(images: FlaskClient) -> None:
    tensor: dict[str, Any] = {"name": "images", "datatype": "BYTES", "shape": [2]}
    answer = images.post(IMAGES, json={"inputs": [tensor | {"data": [RED, "AAAA"]}]})
    refuses(answer, 422, "'1': not an image that this service reads: send JPEG, PNG or WebP")
    answer = images.post(IMAGES, json={"inputs": [tensor | {"data": [RED, "@"]}]})
    refuses(answer, 400, "image 1 is not valid base64")


def test_other_errors_have_the_protocols_form(faq: FlaskClient, loading: FlaskClient) -> None:
    refuses(faq.post("/v2/models/x/infer", json=questions("a")), 404, "there is no such model")
    refuses(faq.post(f"{FAQ[:-6]}/versions/2/infer", json=questions("a")), 404, "no such model")
    refuses(faq.get(FAQ), 405, "this address does not support the method")
    refuses(faq.get("/v2/x"), 404, "there is nothing at this address")
    refuses(faq.get("/v2/models/x"), 404, "there is no such model")
    refuses(faq.post(FAQ, data=b"x", content_type="text/plain"), 415, "inference requests are")
    answer = loading.post(FAQ, json=questions("a"))
    refuses(answer, 503, "the model is still loading: try again")
    assert answer.headers["Retry-After"] == "1"


def test_a_failure_names_no_internals(faq: FlaskClient, ranker: FakeRanker) -> None:
    ranker.error = ValueError("canary")
    refuses(faq.post(FAQ, json=questions("a")), 500, "the server failed on this request; its log")


def refuses(answer: Any, status: int, message: str) -> None:
    document = answer.get_json()
    assert message in document["error"]
    assert list(document) == ["error"]
    assert answer.status_code == status


def binary(*elements: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def post_binary(client: FlaskClient, path: str, document: dict[str, Any], data: bytes) -> Any:
    head = json.dumps(document).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    return client.post(
        path, data=head + data, headers=headers, content_type="application/octet-stream"
    )
