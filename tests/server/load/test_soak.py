"""Row S9: under mixed load for a long time, memory, descriptors and threads stay what they are."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.reliability.figures import record
from tests.server.load.conftest import QUESTION, long_answer, questions
from tests.server.load.generator import Plan, running
from tests.server.load.ledger import LOST
from tests.server.pictures import BLUE, GREEN, plain
from tests.server.runtime.conftest import faq_variables, image_variables
from tests.server.server_process import ServerProcess

LONG_SECONDS: Final = 1800.0
SHORT_SECONDS: Final = 30.0
# Caches fill, and the allocator takes what the largest requests need.
WARM_UP_SHARE: Final = 0.3
# What one run may drift by without being called a leak, of some 50 and 150 MB. In half a minute a
# machine with other work has not yet met as many requests at once as it will.
LONG_MEGABYTES: Final = 8.0
SHORT_MEGABYTES: Final = 16.0
# Connections that have ended are closed within some seconds.
PATIENCE_SECONDS: Final = 60.0

FAQ_BODIES = (
    QUESTION,
    questions(16),
    QUESTION,
    long_answer(),
    json.dumps({"input": ["wörter und 言葉", "x" * 5000]}),
    json.dumps({"input": 5}),  # refused: 400
    "{" * 200,
)
IMAGE_BODIES = tuple(
    body.decode("latin-1")
    for body in (
        plain(size=(64, 48)),
        plain(BLUE, (1024, 768)),
        plain(GREEN, (640, 480), "JPEG"),
        plain()[:200],  # refused: 422
        b"no image",
    )
)
LOADS = {
    "FAQ": (FAQ_BODIES, "application/json", {200, 400}),
    "images": (IMAGE_BODIES, "image/jpeg", {200, 422}),
}


@dataclass(frozen=True)
class Sample:
    """What a worker holds."""

    megabytes: float
    descriptors: int
    threads: int


def sample(worker: int) -> Sample:
    """As it is now."""
    folder = Path(f"/proc/{worker}")
    status = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    return Sample(
        int(status["VmRSS"].split()[0]) / 1024,
        len(list((folder / "fd").iterdir())),
        int(status["Threads"]),
    )


def wait_for_descriptors(worker: int, most: int) -> Sample:
    """A sample without the load's connections."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (now := sample(worker)).descriptors > most:
        assert time.monotonic() < deadline, f"{now.descriptors} descriptors of {most} before"
        time.sleep(0.5)
    return now


def median(values: list[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize(("bodies", "content_type", "statuses"), LOADS.values(), ids=LOADS)
@pytest.mark.timeout(2400)
def test_nothing_grows(
    faq_model: Path,
    colour_model: Path,
    tmp_path: Path,
    bodies: tuple[str, ...],
    content_type: str,
    statuses: set[int],
    long: bool,
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.id
    variables = faq_variables(faq_model) if name == "FAQ" else image_variables(colour_model)
    seconds = LONG_SECONDS if long else SHORT_SECONDS
    with ServerProcess(tmp_path, **variables, SCORING_WORKERS="1") as server:
        server.wait_until_ready()
        (worker,) = server.workers()
        kept = Plan(server.port, 40.0, seconds, bodies, content_type=content_type)
        fresh = Plan(server.port, 10.0, seconds, bodies, content_type=content_type, fresh=True)
        before = sample(worker)
        samples = []
        with running(kept) as load, running(fresh) as other:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                server.get("/metrics")
                samples.append(sample(worker))
                time.sleep(min(left, 1.0))
            ledgers = [load.ledger(), other.ledger()]
        assert server.workers() == [worker]
        after = wait_for_descriptors(worker, before.descriptors)
    for ledger in ledgers:
        assert set(ledger.statuses) <= statuses | {503}, ledger.statuses
        assert LOST not in ledger.statuses
    warm = [at.megabytes for at in samples[int(len(samples) * WARM_UP_SHARE) :]]
    third = len(warm) // 3
    first, last = median(warm[:third]), median(warm[-third:])
    assert last - first < (LONG_MEGABYTES if long else SHORT_MEGABYTES)
    assert after.threads <= max(at.threads for at in samples[: len(samples) // 3])
    record(
        "S9",
        f"{name}, {seconds / 60:g} min",
        f"{sum(map(len, ledgers))} requests; memory {first:.0f} MB in the first third, "
        f"{last:.0f} MB in the last; descriptors {before.descriptors} before and "
        f"{after.descriptors} after, threads {before.threads} and {after.threads}",
    )
