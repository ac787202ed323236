"""What the protocol asks with GET."""

from flask.testing import FlaskClient


def test_the_server_names_itself(faq: FlaskClient) -> None:
    document = faq.get("/v2").get_json()
    assert document.pop("version")
    assert document == {"name": "scoring-server", "extensions": ["binary_tensor_data"]}


def test_health_is_that_of_the_probes(faq: FlaskClient, loading: FlaskClient) -> None:
    for client, ready in ((faq, True), (loading, False)):
        assert client.get("/v2/health/live").get_json() == {"live": True}
        answer = client.get("/v2/health/ready")
        assert (answer.status_code, answer.get_json()) == (200 if ready else 503, {"ready": ready})
    for path in ("/v2/models/faq-matching", "/v2/models/faq-matching/ready"):
        answer = loading.get(path)
        assert answer.status_code == 503
        assert answer.get_json() == {"error": "the model is still loading: try again"}


def test_a_model_is_known_by_its_name_and_by_its_type(faq: FlaskClient) -> None:
    documents = [
        faq.get(f"/v2/models/{path}").get_json()
        for path in ("faq-matching", "a name", "faq-matching/versions/1", "a name/versions/1")
    ]
    assert documents == [documents[0]] * 4
    assert documents[0] == {
        "name": "a name",
        "versions": ["1"],
        "platform": "scoring-server_faq-matching",
        "inputs": [{"name": "questions", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": "original_ids", "datatype": "INT64", "shape": [-1, -1]},
            {"name": "answer_ids", "datatype": "INT64", "shape": [-1, -1]},
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, -1]},
            {"name": "none_probabilities", "datatype": "FP64", "shape": [-1]},
        ],
    }
    assert faq.get("/v2/models/a name/ready").get_json() == {"name": "a name", "ready": True}
    assert faq.get("/v2/models/a name/versions/2").status_code == 404


def test_images_are_files_in_and_labels_out(images: FlaskClient) -> None:
    document = images.get("/v2/models/image-classification").get_json()
    assert document["inputs"] == [{"name": "images", "datatype": "BYTES", "shape": [-1]}]
    assert [output["name"] for output in document["outputs"]] == ["labels", "probabilities"]
