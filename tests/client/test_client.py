"""The client against real server processes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring_client import (
    Busy,
    InvalidRequest,
    Retries,
    ScoringClient,
    Unauthorized,
    UnexpectedAnswer,
)
from tests.client.conftest import KEY
from tests.server.pictures import BLUE, GREEN, RED, plain
from tests.server.server_process import ServerProcess

# Answers take milliseconds; the machine may be busy with other tests.
PATIENT = Retries(attempts=1000, longest_seconds=0.5)
SECONDS = 120.0
# It takes long enough to decode for others to come meanwhile.
LARGE = (3000, 2000)


@pytest.fixture
def asking(faq: ServerProcess) -> Iterator[ScoringClient]:
    with ScoringClient(f"http://127.0.0.1:{faq.port}/faq", timeout_seconds=SECONDS) as client:
        yield client


@pytest.fixture
def looking(images: ServerProcess) -> Iterator[ScoringClient]:
    address = f"http://127.0.0.1:{images.port}"
    with ScoringClient(
        address, api_key=KEY, timeout_seconds=SECONDS, retries=PATIENT, connections=16
    ) as client:
        yield client


def test_a_question_finds_its_answer(asking: ScoringClient) -> None:
    ranking = asking.ask("how can i drop the duplicates in an array", top=3)
    assert len(ranking.matches) == 3
    assert ranking.best == ranking.matches[0]
    best = ranking.matches[0]
    assert best.question == "How do I remove duplicates from an array?"
    assert best.answer is not None
    assert "Set" in best.answer
    assert 0.5 < best.probability <= 1


def test_a_question_about_something_else_has_no_best_match(asking: ScoringClient) -> None:
    ranking = asking.ask("When does the last bus to the airport leave on Sundays?")
    assert ranking.none
    assert ranking.best is None
    assert ranking.matches


def test_more_questions_than_a_request_takes_are_several_requests(asking: ScoringClient) -> None:
    rankings = asking.ask_many(["how do i reverse a string", "how to sort numbers"] * 150, top=1)
    found = [ranking.matches[0].question for ranking in rankings]
    assert found == ["How do I reverse a string?", "How do I sort an array of numbers?"] * 150


def test_an_empty_question_is_the_callers_mistake(asking: ScoringClient) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asking.ask(" ")
    assert (caught.value.status, caught.value.code) == (400, "invalid_input")


def test_the_wrong_kind_of_service_is_said_so(
    asking: ScoringClient, looking: ScoringClient
) -> None:
    with pytest.raises((InvalidRequest, UnexpectedAnswer)):
        asking.classify(plain())
    with pytest.raises((InvalidRequest, UnexpectedAnswer)):
        looking.ask("what is this?")


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_finds_its_class(looking: ScoringClient, image_format: str) -> None:
    best, *_ = looking.classify(plain(BLUE, image_format=image_format))
    assert (best.identifier, best.name) == ("n00000003", "blue")


def test_many_photographs_get_through_a_server_that_refuses_most(
    looking: ScoringClient, images: ServerProcess, tmp_path: Path
) -> None:
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    pictures = {name: plain(colour, LARGE) for name, colour in colours.items()}
    names = list(pictures) * 8
    taken = 0

    def photographs() -> Iterator[Path | tuple[str, bytes]]:
        nonlocal taken
        for place, name in enumerate(names):
            taken += 1
            if place % 2:
                yield name, pictures[name]
            else:
                path = tmp_path / f"{place}.jpg"
                path.write_bytes(pictures[name])
                yield path

    found = looking.classify_many(photographs(), parallel=8)
    first = next(found)
    assert taken <= 9  # taken as they are needed
    assert [result.labels[0].name for result in (first, *found)] == names
    deadline = time.monotonic() + SECONDS
    while b'scoring_refusals_total{reason="overloaded"}' not in images.get("/metrics")[1]:
        assert time.monotonic() < deadline  # what is refused at the door is told each second
        time.sleep(0.1)


def test_a_bad_photograph_harms_no_other(looking: ScoringClient, tmp_path: Path) -> None:
    results = list(
        looking.classify_many(
            [("good", plain()), ("bad", b"\xff\xd8 no image"), tmp_path / "gone", ("too", plain())]
        )
    )
    assert [result.name for result in results] == ["good", "bad", "gone", "too"]
    assert [bool(result.labels) for result in results] == [True, False, False, True]
    assert [type(result.error) for result in results[1:3]] == [InvalidRequest, InvalidRequest]
    assert results[1].error is not None
    assert results[1].error.status == 422


def test_a_caller_may_stop_early(looking: ScoringClient) -> None:
    results = looking.classify_many((("x", plain()) for _ in range(10_000)), parallel=4)
    assert next(results).labels
    results.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_wrong_key_is_told_apart(images: ServerProcess) -> None:
    for key in (None, "no-key-of-this-service"):
        with ScoringClient(f"http://127.0.0.1:{images.port}", api_key=key) as client:
            with pytest.raises(Unauthorized) as caught:
                client.classify(plain())
            assert caught.value.request_id
            assert key is None or key not in str(vars(caught.value))


def test_without_retries_a_busy_server_is_an_error_at_once(images: ServerProcess) -> None:
    address = f"http://127.0.0.1:{images.port}"
    with ScoringClient(
        address, api_key=KEY, retries=Retries(attempts=1), connections=32, timeout_seconds=SECONDS
    ) as client:
        results = list(client.classify_many([("x", plain(RED, LARGE))] * 100, parallel=32))
    kinds = {type(result.error) for result in results}
    assert kinds == {Busy, type(None)}
    refusals = [result.error for result in results if result.error is not None]
    assert {error.code for error in refusals} == {"overloaded"}
