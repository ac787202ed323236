import re

import pytest
from flask.testing import FlaskClient

from tests.server.http.conftest import FakeRanker

ROWS = [[11, 111, 0.75], [22, 222, 0.25]]


def test_a_question_gets_a_ranking_and_the_time(faq: FlaskClient, ranker: FakeRanker) -> None:
    answer = faq.post("/score", json={"input": "how do I loop?"})
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    ranking, time_taken = answer.get_json()["result"]
    assert ranking == ROWS
    assert re.fullmatch(r"Computed in \d+\.\d\d ms", time_taken)
    assert ranker.asked == [(["how do I loop?"], None, 0.0)]


def test_a_list_of_questions_gets_a_list_of_rankings(faq: FlaskClient) -> None:
    answer = faq.post("/score", json={"input": ["one", "two"]})
    assert answer.get_json()["result"][0] == [ROWS, ROWS]


def test_a_list_of_one_question_is_still_a_list(faq: FlaskClient) -> None:
    assert faq.post("/score", json={"input": ["one"]}).get_json()["result"][0] == [ROWS]


def test_top_and_min_probability_reach_the_ranker(faq: FlaskClient, ranker: FakeRanker) -> None:
    faq.post("/score", json={"input": "one", "top": 3, "minProbability": 0.5})
    assert ranker.asked == [(["one"], 3, 0.5)]


def test_a_charset_beside_the_content_type_is_fine(faq: FlaskClient) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert (
        faq.post("/score", data='{"input": "größe"}'.encode(), headers=headers).status_code == 200
    )


def test_colons_in_a_question_are_no_second_names(faq: FlaskClient, ranker: FakeRanker) -> None:
    question = '"input": {"input": 1, "input": 2} a: b :: c'
    assert faq.post("/score", json={"input": question}).status_code == 200
    assert ranker.asked[0][0] == [question]


INVALID = {
    "no object": ("[1]", 'the body must be a JSON object such as {"input": …}'),
    "no input": ("{}", 'the field "input" is missing'),
    "unknown field": (
        '{"input": "a", "tpo": 1}',
        "unknown field 'tpo'; known are details, input, minProbability, top",
    ),
    "a field twice": (
        '{"input": "a", "top": 1, "top": 2}',
        "the name 'top' is there twice in one object",
    ),
    "a field twice in other letters": (
        '{"input": "a: b", "\\u0069nput": "c"}',
        "the name 'input' is there twice in one object",
    ),
    "deeply nested": (
        '{"input": ' + '{"a":' * 1000 + "1" + "}" * 1000 + "}",
        '"input" must be a question or a list of at least one',
    ),
    "a number": ('{"input": 3}', '"input" must be a question or a list of at least one'),
    "null": ('{"input": null}', '"input" must be a question or a list of at least one'),
    "no questions": ('{"input": []}', '"input" must be a question or a list of at least one'),
    "blank": ('{"input": "  "}', "every question must be a text that is not empty"),
    "a list of numbers": ('{"input": [1]}', "every question must be a text that is not empty"),
    "long": (
        '{"input": "' + "a" * 10_001 + '"}',
        "a question may have 10000 characters at most",
    ),
    "top 0": ('{"input": "a", "top": 0}', '"top" must be a whole number from 1 to 1000000000'),
    "top true": (
        '{"input": "a", "top": true}',
        '"top" must be a whole number from 1 to 1000000000',
    ),
    "top 1.5": ('{"input": "a", "top": 1.5}', '"top" must be a whole number from 1 to 1000000000'),
    "top text": ('{"input": "a", "top": "1"}', '"top" must be a whole number from 1 to 1000000000'),
    "probability 2": (
        '{"input": "a", "minProbability": 2}',
        '"minProbability" must be a number from 0 to 1',
    ),
    "probability text": (
        '{"input": "a", "minProbability": "0"}',
        '"minProbability" must be a number from 0 to 1',
    ),
}


@pytest.mark.parametrize(("body", "message"), INVALID.values(), ids=INVALID)
def test_invalid_input_says_what_is_wrong(
    faq: FlaskClient, ranker: FakeRanker, body: str, message: str
) -> None:
    answer = faq.post("/score", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json() == {"error": {"code": "invalid_input", "message": message}}
    assert ranker.asked == []


def test_too_many_questions_are_refused(faq: FlaskClient) -> None:
    answer = faq.post("/score", json={"input": ["a"] * 257})
    assert answer.status_code == 413
    assert answer.get_json()["error"] == {
        "code": "too_many_items",
        "message": "257 questions: send 256 at most",
    }


def test_an_image_sent_to_a_faq_is_refused(faq: FlaskClient) -> None:
    answer = faq.post("/score", data=b"x", content_type="image/jpeg")
    assert answer.status_code == 415
    assert answer.get_json()["error"]["message"] == (
        "this service reads application/json: set the header Content-Type"
    )
