"""Triton's client of the Open Inference Protocol."""

import base64
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.server.pictures import plain
from tests.server.protocols.conftest import KEY, PREFIX
from tests.server.server_process import ServerProcess

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture(params=["", PREFIX], ids=["root", "prefix"])
def prefix(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def faq_client(faq: ServerProcess, prefix: str) -> Iterator[triton.InferenceServerClient]:
    with closing(triton.InferenceServerClient(f"127.0.0.1:{faq.port}{prefix}")) as client:
        yield client


@pytest.fixture
def image_client(images: ServerProcess, prefix: str) -> Iterator[triton.InferenceServerClient]:
    with closing(triton.InferenceServerClient(f"127.0.0.1:{images.port}{prefix}")) as client:
        yield client


def headers() -> dict[str, str]:
    """A new one each time: the client adds to it."""
    return {"X-API-Key": KEY}


def tensor(name: str, elements: list[str] | list[bytes], *, binary: bool) -> triton.InferInput:
    made = triton.InferInput(name, [len(elements)], "BYTES")
    made.set_data_from_numpy(np.array(elements, dtype=np.object_), binary_data=binary)
    return made


def test_it_finds_the_server_and_the_model(faq_client: triton.InferenceServerClient) -> None:
    assert faq_client.is_server_live()
    assert faq_client.is_server_ready()
    assert faq_client.is_model_ready("faq-matching")
    assert faq_client.is_model_ready("shipped", "1")
    assert not faq_client.is_model_ready("other")
    assert faq_client.get_server_metadata()["name"] == "scoring-server"
    assert faq_client.get_model_metadata("shipped")["inputs"][0]["name"] == "questions"


@pytest.mark.parametrize("binary", [True, False])
def test_it_asks_questions(
    faq: ServerProcess, faq_client: triton.InferenceServerClient, binary: bool
) -> None:
    questions = ["How do I start?", "Wie groß darf ein Bild sein?"]
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary)
        for name in ("original_ids", "probabilities")
    ]
    answer = faq_client.infer(
        "faq-matching",
        [tensor("questions", questions, binary=binary)],
        request_id="mine",
        outputs=wanted,
        headers=headers(),
    )
    assert answer.get_response()["id"] == "mine"
    ids, probabilities = (answer.as_numpy(name) for name in ("original_ids", "probabilities"))
    assert ids.shape == probabilities.shape
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert answer.as_numpy("answer_ids") is None


@pytest.mark.parametrize("binary", [True, False])
def test_it_sends_pictures(image_client: triton.InferenceServerClient, binary: bool) -> None:
    pictures: list[bytes] = [plain(colour, image_format="PNG") for colour in COLOURS.values()]
    elements = pictures if binary else [base64.b64encode(picture) for picture in pictures]
    answer = image_client.infer(
        "image-classification", [tensor("images", elements, binary=binary)], headers=headers()
    )
    labels = [label.decode() for label in answer.as_numpy("labels")[:, 0]]
    assert [label.split()[1] for label in labels] == list(COLOURS)
    assert (answer.as_numpy("probabilities")[:, 0] > 0.9).all()


def test_it_understands_the_errors(
    faq_client: triton.InferenceServerClient, image_client: triton.InferenceServerClient
) -> None:
    question = tensor("questions", ["why?"], binary=True)
    cases: tuple[tuple[Any, ...], ...] = (
        (faq_client, "faq-matching", question, {}, "401", "an API key is needed"),
        (faq_client, "other", question, headers(), "404", "there is no such model"),
        (
            faq_client,
            "faq-matching",
            tensor("x", ["why?"], binary=True),
            headers(),
            "400",
            "the input must be called 'questions'",
        ),
        (
            image_client,
            "image-classification",
            tensor("images", [plain(), b"no picture"], binary=True),
            headers(),
            "422",
            "'1': not an image that this service reads",
        ),
    )
    for client, model, given, sent, status, message in cases:
        with pytest.raises(InferenceServerException) as caught:
            client.infer(model, [given], headers=sent)
        assert caught.value.status() == status
        assert message in caught.value.message()
