"""Images with damaged bytes: answered or refused, one by one and beside good ones."""

import base64
import json
import random

from tests.reliability.figures import record
from tests.server.attacks.target import Target
from tests.server.pictures import plain

SHORT, LONG = 400, 50_000
SEED = 1
FLAT_MEGABYTES = 48.0
FORMATS = ("JPEG", "PNG", "WEBP")


def test_damaged_images_never_fail_the_server(images: Target, long: bool) -> None:
    chance = random.Random(SEED)
    originals = [
        plain((chance.randrange(256), 80, 200), (chance.randint(8, 200), 60), name)
        for name in FORMATS * 4
    ]
    rounds = LONG if long else SHORT
    for _ in range(rounds // 10):  # decoders take their buffers
        images.ask("/score", damaged(chance, originals), {"Content-Type": "image/png"})
    before = images.resident()
    statuses: dict[int, int] = {}
    for _ in range(rounds):
        status, answer = images.ask(
            "/score", damaged(chance, originals), {"Content-Type": "image/png"}
        )
        assert status in {200, 422}, answer
        statuses[status] = statuses.get(status, 0) + 1
    growth = images.resident() - before
    assert growth < FLAT_MEGABYTES
    record(
        "S4",
        "mutated images",
        f"{rounds} of {rounds} answered: {statuses.get(422, 0)} refused, "
        f"{statuses.get(200, 0)} still images; {growth:+.0f} MB",
    )


def test_a_damaged_image_harms_none_of_other_requests(images: Target) -> None:
    """Each bad one is sent between good ones, whose answers stay what they were."""
    chance = random.Random(SEED)
    good = plain((255, 0, 0))
    alone = images.ask("/score", good, {"Content-Type": "image/jpeg"})[1]["result"][0]
    for _ in range(30):
        images.ask("/score", damaged(chance, [good]), {"Content-Type": "image/jpeg"})
        status, answer = images.ask("/score", good, {"Content-Type": "image/jpeg"})
        assert (status, answer["result"][0]) == (200, alone)


def test_polyglots_are_what_their_first_bytes_say(images: Target) -> None:
    jpeg = plain()
    for tail in (b"<script>alert(1)</script>", b"PK\x03\x04" + bytes(100), b"%PDF-1.7", b"MZ"):
        status, answer = images.ask("/score", jpeg + tail, {"Content-Type": "image/jpeg"})
        assert status in {200, 422}, answer
        status, answer = images.ask("/score", tail + jpeg, {"Content-Type": "image/jpeg"})
        assert status == 422, answer
    text = base64.b64encode(b"GIF89a" + jpeg).decode()
    body = json.dumps({"input": {"x": text}}).encode()
    assert images.ask("/score", body, {"Content-Type": "application/json"})[0] == 422


def damaged(chance: random.Random, originals: list[bytes]) -> bytes:
    """An image with bytes flipped, cut, doubled, zeroed or taken from another."""
    data = bytearray(chance.choice(originals))
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data))
        length = chance.randint(1, 64)
        match chance.randrange(6):
            case 0:
                data[place] ^= 1 << chance.randrange(8)
            case 1:
                data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
            case 2:
                del data[place : place + length]
                data += b"\0"
            case 3:
                data[place:place] = data[place : place + length]
            case 4:
                data[place : place + length] = bytes(length)
            case _:
                other = chance.choice(originals)
                data[place:] = other[chance.randrange(len(other)) :] + b"\0"
    return bytes(data)
