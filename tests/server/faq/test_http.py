"""POST /score with a real model: the wire contract, details on request, and odd questions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from scoring_server.faq.model import Answer, FaqModel, NgramBlock, Originals
from scoring_server.faq.none_of_these import NoneOfThese
from scoring_server.faq.serving import FaqRanker, load
from scoring_server.faq.weights import DenseMatrix
from scoring_server.http.app import create_app
from scoring_server.http.faq import MAX_TOP, FaqScorer
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import ModelInfo, Service
from scoring_server.http.settings import HttpSettings

SETTINGS = HttpSettings(
    max_body_bytes=10_000_000,
    request_timeout_seconds=30,
    concurrent_scores=4,
    workers=1,
    threads=4,
)


def client_of(ranker: FaqRanker) -> FlaskClient:
    scorer = FaqScorer(ranker, ModelInfo("faq-matching", "m", "sha256:0", "trained", "a test"))
    return create_app(Service(scorer), SETTINGS, Metrics()).test_client()


@pytest.fixture(scope="module")
def shipped(shipped_directory: Path) -> FlaskClient:
    """A server of the shipped FAQ, whose answers are in the model."""
    return client_of(load(shipped_directory))


def result_of(client: FlaskClient, **document: Any) -> list[Any]:
    answer = client.post("/score", json=document)
    assert answer.status_code == 200, answer.get_json()
    result: list[Any] = answer.get_json()["result"]
    return result


QUESTION = "how do I remove duplicates from an array?"


def test_without_details_the_result_is_the_ranking_and_the_time(shipped: FlaskClient) -> None:
    result = result_of(shipped, input=QUESTION)
    assert len(result) == 2
    assert len(result[0]) == 92
    assert result[0][0][:2] == [3, 503]
    assert result_of(shipped, input=QUESTION, details=False)[0] == result[0]


def test_details_come_as_a_third_thing_and_leave_the_ranking_as_it_is(shipped: FlaskClient) -> None:
    plain = result_of(shipped, input=QUESTION, top=3)
    ranking, _, details = result_of(shipped, input=QUESTION, top=3, details=True)
    assert ranking == plain[0]
    assert len(details["matches"]) == 3
    assert details["matches"][0]["question"] == "How do I remove duplicates from an array?"
    assert details["matches"][0]["answer"].startswith("Spread a Set:")
    assert details["matches"][0]["url"] is None
    assert details["noneProbability"] < 0.5
    assert details["none"] is False


def test_a_question_about_something_else_is_told_to_have_no_answer(shipped: FlaskClient) -> None:
    ranking, _, details = result_of(shipped, input="xylophone qqq", top=1, details=True)
    assert len(ranking) == 1
    assert details["none"] is True
    assert details["noneProbability"] >= 0.5


def test_a_list_of_questions_gets_a_list_of_details(shipped: FlaskClient) -> None:
    rankings, _, details = result_of(
        shipped, input=[QUESTION, "zzz"], minProbability=0.3, details=True
    )
    assert [len(ranking) for ranking in rankings] == [len(d["matches"]) for d in details]
    assert [d["none"] for d in details] == [False, True]


def test_details_that_are_no_boolean_are_refused(shipped: FlaskClient) -> None:
    for value in ("1", '"true"', "[]"):
        body = '{"input": "a", "details": ' + value + "}"
        answer = shipped.post("/score", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert answer.get_json()["error"]["message"] == '"details" must be true or false'


def test_an_address_is_told_where_the_answer_has_one() -> None:
    ranker = ranker_of(2, {10: Answer("ten", "https://a.example/10")})
    ranking, _, details = result_of(client_of(ranker), input="x", details=True)
    assert [row[1] for row in ranking] == [10, 11]
    assert details["matches"] == [
        {"question": "o0", "answer": "ten", "url": "https://a.example/10"},
        {"question": "o1", "answer": None, "url": None},
    ]


def test_rankings_that_would_fill_the_memory_are_refused() -> None:
    client = client_of(ranker_of(150_000, {}))
    assert len(result_of(client, input="x")[0]) == 150_000
    assert len(result_of(client, input=["x"] * 3, top=5)[0]) == 3
    answer = client.post("/score", json={"input": ["x", "y"]})
    assert answer.status_code == 413
    assert answer.get_json()["error"] == {
        "code": "too_many_items",
        "message": '2 rankings with 150000 originals each: send fewer questions or a smaller "top"',
    }


def ranker_of(originals: int, answers: dict[int | str, Answer]) -> FaqRanker:
    """A model without features, whose first original is the likeliest."""
    empty = NgramBlock((1, 1), [], np.ones(1), 1.0)
    weights = np.zeros((1, originals), np.float32)
    weights[0, 0] = 1
    ids: list[int | str] = list(range(originals))
    known = Originals(ids, [10 + i for i in range(originals)], [f"o{i}" for i in range(originals)])
    model = FaqModel(empty, empty, DenseMatrix(weights), NoneOfThese(0, 1, 1), known, answers)
    return FaqRanker(model, {})


ODD = {
    "digits": "1234567890",
    "one character": "?",
    "right to left": "كيف أزيل التكرارات من مصفوفة؟ \u202e abc",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 how?",
    "combining": "e\u0301" * 2_000 + "\u0300" * 3_000,
    "a null": "how\x00do I",
    "ligature that grows": "\ufdfa" * 10_000,
    "10,000 characters": "how " * 2_500,
    "html": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("case", ODD)
def test_odd_questions_are_scored(shipped: FlaskClient, case: str) -> None:
    ranking = result_of(shipped, input=ODD[case], details=True)[0]
    assert len(ranking) == 92
    assert sum(row[2] for row in ranking) == pytest.approx(1)


REFUSED = {
    "empty": '""',
    "spaces": '" \\t\\u00a0\\n"',
    "a number": "5",
    "100 kB": json.dumps("how " * 25_000),
    "half a character": '"\\ud800"',
    "a list in a list": '[["a"]]',
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_question_is_told(shipped: FlaskClient, case: str) -> None:
    body = '{"input": ' + REFUSED[case] + "}"
    answer = shipped.post("/score", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["error"]["message"]


@pytest.mark.parametrize("top", [92, 93, MAX_TOP])
def test_a_top_beyond_the_originals_gives_all(shipped: FlaskClient, top: int) -> None:
    answer = shipped.post("/score", json={"input": "a", "top": top})
    assert len(answer.get_json()["result"][0]) == 92


@pytest.mark.parametrize("top", [MAX_TOP + 1, 2**63 - 1, 2**64 - 1])
def test_a_top_beyond_any_number_of_originals_is_told(shipped: FlaskClient, top: int) -> None:
    answer = shipped.post("/score", json={"input": "a", "top": top})
    assert answer.status_code == 400
    assert f"from 1 to {MAX_TOP}" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("field", ['"top": 1e30', '"top": 1e400', '"minProbability": -1e-320'])
def test_numbers_beyond_reason_are_refused(shipped: FlaskClient, field: str) -> None:
    body = '{"input": "a", ' + field + "}"
    answer = shipped.post("/score", data=body, content_type="application/json")
    assert answer.status_code == 400


def test_a_least_probability_of_one_gives_an_empty_ranking(shipped: FlaskClient) -> None:
    ranking, _, details = result_of(shipped, input="zzz", minProbability=1, details=True)
    assert ranking == []
    assert details["matches"] == []
