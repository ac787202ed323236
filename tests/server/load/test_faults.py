"""Rows S2 and S3, and what else may befall a server: a stuck inference, no memory left."""

import http.client
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.reliability.figures import record
from tests.server.load.conftest import GENERATOR_CORE, QUESTION, questions
from tests.server.load.generator import Plan, running
from tests.server.load.ledger import LOST, UNREACHED
from tests.server.load.memory_cgroup import memory_cgroup
from tests.server.load.stuck_model import write_stuck_model
from tests.server.load.victims import kill
from tests.server.pictures import encode, plain
from tests.server.runtime.conftest import faq_variables, image_variables
from tests.server.server_process import ServerProcess

PATIENCE_SECONDS = 60.0
WHITE = (255, 255, 255)


def test_a_killed_worker_costs_its_own_requests_alone(
    faq_model: Path, tmp_path: Path, long: bool
) -> None:
    kills, rate = (20 if long else 3), 100.0
    back = []
    its_own: set[int] = set()
    with ServerProcess(tmp_path, **faq_variables(faq_model), SCORING_WORKERS="2") as server:
        server.wait_until_ready()
        server.wait_for_workers(2)
        # Requests of some milliseconds, so that there are some in flight.
        plan = Plan(server.port, rate, 2.0 + 2 * kills, (questions(16),), fresh=True)
        with running(plan) as load:
            time.sleep(1.0)
            for _ in range(kills):
                victim = server.workers()[0]
                its_own |= kill(victim)
                back.append(server.wait_for_workers(2, victim))
                time.sleep(max(0.0, 1.5 - back[-1]))
            ledger = load.ledger()
        assert server.get("/healthz/ready")[0] == 200
    # On a machine with other work the workers may be too slow for the load, and say so.
    assert set(ledger.statuses) <= {200, 503, LOST, UNREACHED}, ledger.statuses
    assert {entry.port for entry in ledger.entries if entry.status in {LOST, UNREACHED}} <= its_own
    assert ledger.statuses[200] > len(ledger) / 10
    assert max(back) < PATIENCE_SECONDS
    record(
        "S2",
        "FAQ, two workers",
        f"{ledger.lost} of {len(ledger)} requests lost in {kills} kills at {rate:.0f}/s, all in "
        f"the killed workers; a new worker after {max(back):.1f} s at most",
    )


def test_sigterm_with_slow_requests_in_flight_loses_none(
    faq_model: Path, tmp_path: Path, long: bool
) -> None:
    trials, at_once = (10 if long else 2), 40
    answered = 0
    slowest = 0.0
    body = questions(128).encode()
    for trial in range(trials):
        folder = tmp_path / str(trial)
        folder.mkdir()
        places = {"SCORING_WORKERS": "1", "SCORING_THREADS": "64"}
        with ServerProcess(folder, **faq_variables(faq_model), **places) as server:
            server.wait_until_ready()
            connections = [server.connect() for _ in range(at_once)]
            for connection in connections:
                connection.connect()
            for connection in connections:
                connection.request("POST", "/score", body, {"Content-Type": "application/json"})
            begin = time.monotonic()
            server.terminate()
            for connection in connections:
                answered += connection.getresponse().status == 200
                connection.close()
            assert server.wait_for_end() == 0
            slowest = max(slowest, time.monotonic() - begin)
    assert answered == trials * at_once
    record(
        "S3",
        f"SIGTERM with {at_once} slow requests in flight",
        f"{answered} of {trials * at_once} answered; the server ended within {slowest:.1f} s",
    )


def test_sigterm_under_load_loses_nothing_that_got_through(
    faq_model: Path, tmp_path: Path, long: bool
) -> None:
    """What comes after the end reaches nobody: in a cluster it goes to other pods."""
    trials, rate = (10 if long else 2), 200.0
    total = 0
    for trial in range(trials):
        folder = tmp_path / str(trial)
        folder.mkdir()
        with ServerProcess(folder, **faq_variables(faq_model), SCORING_WORKERS="2") as server:
            server.wait_until_ready()
            server.wait_for_workers(2)
            plan = Plan(server.port, rate, 3.0, (QUESTION,), fresh=True, core=GENERATOR_CORE)
            with running(plan) as load:
                time.sleep(1.5)
                server.terminate()
                ledger = load.ledger()
            assert server.wait_for_end() == 0
        # On a machine with other work the workers may refuse some: those are answered, not lost.
        assert set(ledger.statuses) <= {200, 503, UNREACHED}, ledger.statuses
        assert ledger.statuses[200] > 0
        total += ledger.statuses[200]
    record(
        "S3",
        f"SIGTERM under {rate:.0f} requests/s",
        f"0 lost of the {total} that got through, {trials} trials",
    )


def test_a_stuck_inference_ends_liveness_and_the_server_within_the_grace(tmp_path: Path) -> None:
    model = write_stuck_model(tmp_path / "model")
    limits = {"SCORING_REQUEST_TIMEOUT_SECONDS": "1", "SCORING_DRAIN_SECONDS": "3"}
    with ServerProcess(tmp_path, **image_variables(model), **limits) as server:
        server.wait_until_ready()
        begin = time.monotonic()
        while server.post(plain(), "image/jpeg")[0] != 200:  # a second is short on a busy machine
            assert time.monotonic() - begin < PATIENCE_SECONDS
        begin = time.monotonic()
        status, answer = server.post(plain(WHITE), "image/jpeg")
        assert (status, answer["error"]["code"]) == (503, "deadline_exceeded")
        while server.get("/healthz/live")[0] == 200:
            # Whoever comes meanwhile is told in time, and probes are answered.
            assert server.post(plain(), "image/jpeg")[0] == 503
            assert time.monotonic() - begin < PATIENCE_SECONDS
        noticed = time.monotonic() - begin
        begin = time.monotonic()
        server.terminate()
        assert server.wait_for_end() == 0
        ended = time.monotonic() - begin
        assert ended < PATIENCE_SECONDS
    record(
        "S2",
        "a stuck inference, time-out 1 s, grace 3 s",
        f"liveness fails after {noticed:.1f} s, the server ends {ended:.1f} s after SIGTERM",
    )


def test_a_worker_without_memory_is_replaced(colour_model: Path, tmp_path: Path) -> None:
    grain = np.random.default_rng(0).integers(0, 256, (2500, 2500, 3), np.uint8)
    large = encode(Image.fromarray(grain), "PNG", compress_level=1)
    limits = {"SCORING_MAX_BODY_BYTES": str(2 * len(large))}
    with (
        memory_cgroup() as group,
        ServerProcess(tmp_path, **image_variables(colour_model), **limits) as server,
    ):
        group.add(server.process.pid)
        server.wait_until_ready()
        (worker,) = server.workers()
        group.add(worker)
        group.limit(24 * 1024 * 1024)
        outcomes: list[int] = []

        def send() -> None:
            try:
                outcomes.append(server.post(large, "image/png")[0])
            except (OSError, http.client.HTTPException):
                outcomes.append(LOST)

        threads = [threading.Thread(target=send) for _ in range(4)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert LOST in outcomes, "the limit was not reached: the test would show nothing"
        while worker in server.workers() or not server.workers():
            assert time.monotonic() - begin < PATIENCE_SECONDS
            time.sleep(0.05)
        group.limit(1 << 30)
        server.wait_until_ready()
        seconds = time.monotonic() - begin
        assert server.post(plain(), "image/jpeg")[0] == 200
    record("S2", "a worker killed for memory", f"serves again {seconds:.1f} s after the requests")


@pytest.mark.parametrize("milliseconds", [1, 50])
def test_a_caller_that_cannot_wait_is_refused_in_time(
    faq_model: Path, tmp_path: Path, milliseconds: int
) -> None:
    """Nothing is computed for those whose time is over while they wait."""
    with ServerProcess(tmp_path, **faq_variables(faq_model), SCORING_WORKERS="1") as server:
        server.wait_until_ready()
        (worker,) = server.workers()
        os.kill(worker, signal.SIGSTOP)  # so that it finds them all at once, in this order
        try:
            busy = [server.connect() for _ in range(8)]
            headers = {"Content-Type": "application/json"}
            for connection in busy:
                connection.request("POST", "/score", questions(256).encode(), headers)
            connection = server.connect()
            headers |= {"X-Request-Timeout-Ms": str(milliseconds)}
            connection.request("POST", "/score", QUESTION.encode(), headers)
        finally:
            os.kill(worker, signal.SIGCONT)
        response = connection.getresponse()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert b"deadline_exceeded" in response.read()
        for connection in busy:
            assert connection.getresponse().status == 200
            connection.close()
