"""HTTP itself: what is ambiguous is refused and the connection closed; nothing is smuggled."""

import random

import pytest

from tests.reliability.figures import record
from tests.server.attacks.http_bytes import AMBIGUOUS, NEARLY, NO_HTTP, RIGHT
from tests.server.attacks.target import Target

SHORT, LONG = 300, 20_000
SEED = 1
# Of the allocator; a leak of a request each would be more.
FLAT_MEGABYTES = 32.0


def test_what_is_ambiguous_or_no_request_is_refused_and_nothing_after_it_is_answered(
    faq: Target,
) -> None:
    for name, data in {**AMBIGUOUS, **NO_HTTP}.items():
        reply = faq.exchange(data)
        # A server may also close without a word.
        assert len(reply.statuses) <= 1, (name, reply)
        refusals = {*range(400, 500), 501} - {404, 405}
        assert set(reply.statuses) <= refusals, (name, reply)
    count = len(AMBIGUOUS) + len(NO_HTTP)
    record("S4", "HTTP bytes", f"{count} of {count} refused or closed; none smuggled, no 5xx")


@pytest.mark.parametrize("path", NEARLY)
def test_what_is_nearly_an_address_is_none(faq: Target, path: str) -> None:
    (status,) = faq.exchange(NEARLY[path]).statuses
    assert status in {308, 400, 404}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_answered(faq: Target, name: str) -> None:
    assert faq.exchange(RIGHT[name]).statuses == [200, 404]


def test_damaged_requests_never_fail_the_server(faq: Target, long: bool) -> None:
    """Bytes of all of the above, flipped, cut, doubled and mixed."""
    chance = random.Random(SEED)
    corpus = [
        data
        for data in (*AMBIGUOUS.values(), *NEARLY.values(), *RIGHT.values())
        if len(data) < 10_000
    ]
    rounds = LONG if long else SHORT
    answered = 0
    before = faq.resident()
    for _ in range(rounds):
        data = bytearray(chance.choice(corpus))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place : place + chance.randint(1, 20)]
                    data += b" "
                case 2:
                    data[place:place] = data[place : place + chance.randint(1, 20)]
                case _:
                    other = chance.choice(corpus)
                    data[place:] = other[chance.randrange(len(other)) :]
                    data += b" "
        reply = faq.exchange(bytes(data))
        assert not {500, 502, 503} & set(reply.statuses), (bytes(data), reply)
        answered += 200 in reply.statuses
    growth = faq.resident() - before
    assert growth < FLAT_MEGABYTES
    record(
        "S4",
        "damaged HTTP",
        f"{rounds} requests: {answered} still right and answered, the others refused or closed; no "
        f"5xx, {growth:+.0f} MB",
    )
