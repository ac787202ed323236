"""Batched answers equal unbatched ones, and a bad item of a batch harms no other."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.reliability.figures import record
from tests.server.attacks.target import Target
from tests.server.pictures import plain

ITEMS = 24
CLIENTS = 12
ROUNDS = 4


def test_batched_answers_equal_unbatched_ones_beside_bad_images(images: Target) -> None:
    colours = [(10 * i, 255 - 10 * i, (37 * i) % 256) for i in range(ITEMS)]
    pictures = [plain(colour, image_format="PNG") for colour in colours]

    def ask(picture: bytes) -> tuple[int, Any]:
        return images.ask("/score", picture, {"Content-Type": "image/png"})

    alone = [ask(picture)[1]["result"][0] for picture in pictures]
    bad = [b"", b"no image", pictures[0][:-40], pictures[1][:30]]
    mixed = pictures + [bad[place % len(bad)] for place in range(ITEMS)]
    right = refused = 0
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            # Good and bad ones take turns, other neighbours in each round.
            order = sorted(range(2 * ITEMS), key=lambda place: (place * 7 + number) % (2 * ITEMS))
            answers = zip(order, pool.map(ask, [mixed[place] for place in order]), strict=True)
            for place, (status, answer) in answers:
                if place < ITEMS:
                    assert (status, answer.get("result", [None])[0]) == (200, alone[place])
                    right += 1
                else:
                    assert status == 422, answer
                    refused += 1
    record("S8", "images", f"{right} of {right} equal beside {refused} bad ones, all refused")


def test_a_list_of_questions_is_answered_as_each_alone(faq: Target) -> None:
    things = ("an object", "a list", "files", "ä ß 😀")
    questions = [f"how do i copy {thing}" for thing in things] * 8
    header = {"Content-Type": "application/json"}
    _, together = faq.ask("/score", json.dumps({"input": questions}).encode(), header)
    for question, ranking in zip(questions, together["result"][0], strict=True):
        _, alone = faq.ask("/score", json.dumps({"input": question}).encode(), header)
        assert alone["result"][0] == ranking
    record("S8", "questions", f"{len(questions)} of {len(questions)} equal")
