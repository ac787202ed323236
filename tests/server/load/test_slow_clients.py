"""Row S6: 200 slow connections of a kind harm neither good requests nor probes."""

import time
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.server.load.conftest import GENERATOR_CORE, QUESTION, long_answer, pinned
from tests.server.load.generator import Plan, generate
from tests.server.load.probes import Probes
from tests.server.load.slow_clients import SlowClients
from tests.server.runtime.conftest import faq_variables
from tests.server.server_process import open_sockets

COUNT = 200
RATE = 50.0
SECONDS = 4.0
# Generous: the machine has other work to do. The bar for probes is one second.
PATIENCE_SECONDS = 20.0
KINDS = {
    "heads": {"heads": COUNT},
    "bodies": {"bodies": COUNT},
    "readers": {"readers": COUNT},
    "all at once": {"heads": COUNT, "bodies": COUNT, "readers": COUNT},
}


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_good_requests_and_probes_are_unharmed(
    faq_model: Path,
    tmp_path: Path,
    kinds: dict[str, int],
    long: bool,
    request: pytest.FixtureRequest,
) -> None:
    if len(kinds) == 1 and not long:
        pytest.skip("one kind at a time: with --long; all at once is shown in any case")
    with (
        # Fewer threads than slow clients of a kind, but so many places that a machine with other
        # work, which stands still for a moment, refuses no good request.
        pinned(tmp_path, **faq_variables(faq_model), SCORING_THREADS="160") as server,
        SlowClients(server.port, question=long_answer().encode(), **kinds) as slow,
        Probes(server) as probes,
    ):
        ledger = generate(
            Plan(server.port, RATE, SECONDS, (QUESTION,), fresh=True, core=GENERATOR_CORE)
        )
        assert ledger.statuses == {200: len(ledger)}
        assert probes.failed == []
        assert probes.slowest < PATIENCE_SECONDS
        assert ledger.quantile(1) < PATIENCE_SECONDS
        held = sum(kinds.values()) - sum(slow.ended(kind) for kind in kinds)
    record(
        "S6",
        f"{COUNT} slow {request.node.callspec.id}",
        f"{len(ledger)} of {len(ledger)} good requests answered, p99 "
        f"{ledger.quantile(0.99) * 1000:.0f} ms, slowest probe {probes.slowest * 1000:.0f} ms, "
        f"{held} slow ones still there after {SECONDS:.0f} s",
    )


def test_slow_connections_come_to_an_end(faq_model: Path, tmp_path: Path) -> None:
    """Heads after 10 s, bodies and answers after the time that a request may take."""
    limits = {"SCORING_REQUEST_TIMEOUT_SECONDS": "10"}
    with (
        pinned(tmp_path, **faq_variables(faq_model), **limits) as server,
        SlowClients(
            server.port, heads=20, bodies=20, readers=20, question=long_answer().encode()
        ) as slow,
    ):
        (worker,) = server.workers()
        deadline = time.monotonic() + 120
        while open_sockets(worker) < 60:  # the last ones are still to be accepted
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while open_sockets(worker) > 1:  # which it listens on
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert slow.ended("heads") == 20
        assert slow.ended("bodies") == 20
