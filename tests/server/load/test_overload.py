"""Row S5: five times what the server can do is offered; it does what it can and refuses the rest.

The generator and the probes have one core and the server the other.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from tests.reliability.figures import record
from tests.server.load.conftest import GENERATOR_CORE, QUESTION, questions
from tests.server.load.generator import Plan, generate
from tests.server.load.ledger import UNSENT, Ledger
from tests.server.load.probes import Probes
from tests.server.pictures import encode
from tests.server.server_process import ServerProcess

TIMES = 5
# The bars are 0.9, 50 ms and one second; these allow for a machine with other work to do.
LEAST_GOODPUT = 0.5
# Of questions whose refusals take a tenth of the time of their answers: reading and refusing gets
# no more than half of the time.
LEAST_GOODPUT_CHEAP = 0.4
PATIENCE_SECONDS = 20.0
# What a request may take by default: so long the last of 64 images may wait on a slow machine.
REQUEST_SECONDS = 30.0


def photograph() -> str:
    """A JPEG of 1600 x 1200 pixels and some 100 kB, as a body."""
    grain = np.random.default_rng(0).integers(0, 8, (1200, 1600, 3))
    ramp = np.linspace(0, 240, 1600)[None, :, None]
    return encode(Image.fromarray((grain + ramp).astype(np.uint8)), "JPEG").decode("latin-1")


@dataclass(frozen=True)
class Goodput:
    """What was answered in an overload, as a share of what can be.

    Attributes:
        by_clock: 200s a second.
        by_cpu: 200s for each second of CPU that the server got. Where others use the machine too,
            it gets less of it at times, and the clock measures them.
    """

    by_clock: float
    by_cpu: float


def overload(
    server: ServerProcess, body: str, content_type: str, seconds: float
) -> tuple[Goodput, Ledger, Probes]:
    """Offer five times the capacity: the goodput, what became of all, and the probes."""

    def load(rate: float | None, length: float, connections: int) -> tuple[Ledger, float, float]:
        plan = Plan(
            server.port,
            rate,
            length,
            (body,),
            content_type=content_type,
            connections=connections,
            core=GENERATOR_CORE,
        )
        before = server.cpu_seconds()
        ledger = generate(plan)
        used = server.cpu_seconds() - before
        return ledger, ledger.rate(length / 4, length), ledger.statuses[200] / used

    _, first, first_by_cpu = load(None, seconds, 16)
    with Probes(server) as probes:
        ledger, answered, answered_by_cpu = load(TIMES * first, 2 * seconds, 1000)
    _, last, last_by_cpu = load(None, seconds, 16)
    goodput = Goodput(
        2 * answered / (first + last), 2 * answered_by_cpu / (first_by_cpu + last_by_cpu)
    )
    return goodput, ledger, probes


JSON = "application/json"
LOADS = {
    "single questions": ("faq", QUESTION, JSON, LEAST_GOODPUT_CHEAP),
    "lists of 8 questions": ("faq", questions(8), JSON, LEAST_GOODPUT),
    "lists of 64 questions": ("faq", questions(64), JSON, LEAST_GOODPUT),
    "photographs, tiny model": ("images", photograph(), "image/jpeg", LEAST_GOODPUT),
}


@pytest.mark.parametrize(("kind", "body", "content_type", "least"), LOADS.values(), ids=LOADS)
def test_what_can_be_done_is_done_and_the_rest_refused_at_once(
    kind: str,
    body: str,
    content_type: str,
    least: float,
    long: bool,
    request: pytest.FixtureRequest,
) -> None:
    server: ServerProcess = request.getfixturevalue(kind)
    goodput, ledger, probes = overload(server, body, content_type, 10.0 if long else 2.0)
    sent = [entry for entry in ledger.entries if entry.status != UNSENT]
    assert {entry.status for entry in sent} <= {200, 429, 503}, ledger.statuses
    assert all(entry.retry_after for entry in sent if entry.status != 200)
    # It was an overload, also where the machine had more time for the server than before it.
    assert ledger.statuses[503] > len(ledger) / 10
    assert goodput.by_cpu > least
    assert ledger.quantile(1) < REQUEST_SECONDS + PATIENCE_SECONDS
    assert ledger.quantile(0.99, refused=True) < PATIENCE_SECONDS
    assert probes.failed == []
    assert probes.slowest < PATIENCE_SECONDS
    record(
        "S5",
        request.node.callspec.id,
        f"{len(sent)} requests, goodput {goodput.by_clock:.0%} by the clock, "
        f"{goodput.by_cpu:.0%} by the server's CPU time, accepted p99 "
        f"{ledger.quantile(0.99) * 1000:.0f} ms, refused within "
        f"{ledger.quantile(0.5, refused=True) * 1000:.1f} ms (p50) and "
        f"{ledger.quantile(0.99, refused=True) * 1000:.0f} ms (p99), "
        f"slowest probe {probes.slowest * 1000:.0f} ms",
    )
