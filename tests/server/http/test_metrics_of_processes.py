"""Metrics of real servers with several processes: whichever answers counts for all."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.pictures import plain
from tests.server.runtime.conftest import (
    colour_model,
    faq,
    faq_model,
    image_variables,
    images,
)
from tests.server.server_process import ServerProcess

__all__ = ["colour_model", "faq", "faq_model", "images"]  # fixtures

QUESTION = json.dumps({"input": "how do I loop over an array"}).encode()
PATIENCE_SECONDS = 60.0


def shown(server: ServerProcess) -> dict[str, float]:
    """The sum of each metric's samples; those of requests are of POST /score alone."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(server.get("/metrics")[1].decode()):
        for sample in family.samples:
            if sample.labels.get("route", "/score") == "/score":
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


def test_what_was_counted_survives_a_workers_death(faq: ServerProcess) -> None:
    for _ in range(20):
        assert faq.post(QUESTION)[0] == 200
    before = shown(faq)
    assert before["scoring_requests_total"] == 20
    assert before["scoring_request_duration_seconds_count"] == 20
    assert before["scoring_model_info"] == 1
    killed, _ = faq.workers()
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while killed in faq.workers() or len(faq.workers()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for _ in range(10):
        assert faq.post(QUESTION)[0] == 200
    after = shown(faq)
    assert after["scoring_requests_total"] == 30
    assert after["scoring_requests_in_flight"] == 0
    assert after["scoring_model_info"] == 1


def test_a_faq_shows_no_metrics_of_batches(faq: ServerProcess) -> None:
    faq.post(QUESTION)
    assert not [name for name in shown(faq) if "batch" in name or "queue" in name]


@pytest.fixture
def narrow(colour_model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """Works on two requests at a time."""
    with ServerProcess(
        tmp_path, **image_variables(colour_model), SCORING_MAX_CONCURRENCY="2"
    ) as server:
        server.wait_until_ready()
        yield server


def test_refusals_are_requests_too_and_what_is_in_flight_is_seen(narrow: ServerProcess) -> None:
    # It takes long enough to decode for others to come meanwhile.
    large = plain(size=(4000, 3000))
    statuses: list[int] = []
    enough = threading.Event()

    def insist() -> None:
        while not enough.is_set():
            statuses.append(narrow.post(large, "image/jpeg")[0])

    threads = [threading.Thread(target=insist) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        most = 0.0
        while 503 not in statuses or 200 not in statuses or not most:
            assert time.monotonic() < deadline, (set(statuses), most)
            most = max(most, shown(narrow)["scoring_requests_in_flight"])
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert most <= 2
    assert set(statuses) == {200, 503}
    refused = f"{float(statuses.count(503))}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:  # what is refused at the door is told from time to time
        metrics = narrow.get("/metrics")[1].decode()
        if (
            f'scoring_refusals_total{{reason="overloaded"}} {refused}' in metrics
            and f'scoring_requests_total{{route="/score",status="503"}} {refused}' in metrics
        ):
            break
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)
    assert shown(narrow)["scoring_requests_in_flight"] == 0
    assert shown(narrow)["scoring_queue_depth"] == 0
