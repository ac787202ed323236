"""Two workers and the process that has the model for both: what a GPU is served with, on a CPU."""

import http.client
import json
import os
import re
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.server.images.test_lost_device import FATAL, inject_lost_device
from tests.server.pictures import BLUE, GREEN, RED, plain
from tests.server.runtime.conftest import image_variables
from tests.server.runtime.test_life_cycle import refuses
from tests.server.server_process import ServerProcess

COLOURS = {"n00000001 red": RED, "n00000002 green": GREEN, "n00000003 blue": BLUE}
SHARED = {"SCORING_INFERENCE": "process", "SCORING_WORKERS": "2"}


@pytest.fixture
def shared(colour_model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path, **image_variables(colour_model), **SHARED) as server:
        wait_until_all_are_ready(server)
        yield server


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def loaded(server: ServerProcess) -> int:
    return server.log.read_text().count('"the model is loaded"')


def wait_until_all_are_ready(server: ServerProcess, announcements: int = 2) -> None:
    server.wait_until_ready()
    wait_until(lambda: loaded(server) >= announcements)


def label(server: ServerProcess, colour: tuple[int, int, int]) -> str:
    status, answer = server.post(plain(colour), "image/jpeg")
    assert status == 200, answer
    found: str = answer["result"][0]["image"][0][0]
    return found


def ended(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def test_it_answers_as_one_process_does_and_says_so(
    shared: ServerProcess, images: ServerProcess
) -> None:
    for name, colour in COLOURS.items():
        body = plain(colour)
        found = shared.post(body, "image/jpeg")[1]["result"][0]
        assert found == images.post(body, "image/jpeg")[1]["result"][0]
        assert found["image"][0][0] == name
    document = json.loads(shared.get("/version")[1])
    assert document["model"]["name"] == "mean-colour"
    assert document["backend"]["batch"]["measured"]
    assert document["workers"] == 2
    assert len(shared.workers()) == 2
    assert shared.inference_process() not in shared.workers()


def test_metrics_count_what_every_process_does(shared: ServerProcess) -> None:
    for _ in range(20):
        label(shared, RED)
    shared.post(b"none", "image/jpeg")

    def counted() -> bool:
        metrics = shared.get("/metrics")[1].decode()
        return all(
            re.search(line, metrics, re.MULTILINE)
            for line in (
                r'^scoring_requests_total\{route="/score",status="200"\} 20\.0$',
                r'^scoring_requests_total\{route="/score",status="422"\} 1\.0$',
                r"^scoring_batch_size_sum 20\.0$",
                r"^scoring_requests_in_flight 0\.0$",
                r'^scoring_calibration_items_per_second\{batch_size="1"\} ',
                r"^scoring_max_batch_size \d",
            )
        )

    wait_until(counted)


class Load:
    """Clients that ask for each colour in turn, until they are told to stop."""

    def __init__(self, server: ServerProcess, clients: int = 6) -> None:
        self._server = server
        self._stop = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        for name, colour in list(COLOURS.items()) * 10_000:
            if self._stop.is_set():
                return
            try:
                status, answer = self._server.post(plain(colour), "image/jpeg")
            except (OSError, HTTPException, ValueError):
                self.outcomes["broken off"] += 1
                continue
            right = status == 200 and answer["result"][0]["image"][0][0] == name
            self.outcomes["right" if right else f"{status}"] += 1

    def stop(self) -> Counter[str]:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        return self.outcomes


def test_a_killed_worker_is_replaced_and_the_other_never_gives_a_wrong_answer(
    shared: ServerProcess,
) -> None:
    load = Load(shared)
    wait_until(lambda: load.outcomes["right"] > 50)
    victim = shared.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until_all_are_ready(shared, announcements=3)
    before = load.outcomes["right"]
    wait_until(lambda: load.outcomes["right"] > before + 50)
    outcomes = load.stop()
    # Its own connections are broken off, and a new worker answers 503 until it has the labels.
    assert set(outcomes) <= {"right", "broken off", "503"}
    assert outcomes["broken off"] <= 20
    assert victim not in shared.workers()
    assert len(shared.workers()) == 2
    wait_until(lambda: b"\nscoring_requests_in_flight 0.0" in shared.get("/metrics")[1])


def test_a_killed_inference_process_ends_the_server_with_the_reason(
    shared: ServerProcess,
) -> None:
    owner = shared.inference_process()
    os.kill(owner, signal.SIGKILL)
    statuses: list[int] = []

    def not_ready() -> bool:
        try:
            statuses.append(shared.get("/healthz/ready")[0])
        except OSError:
            return True
        return statuses[-1] == 503

    wait_until(not_ready)
    assert shared.wait_for_end() == 70
    assert shared.termination_log.read_text() == (
        "InferenceProcessLost: the process that owns the model ended"
    )


def test_a_lost_device_ends_the_server_with_the_reason(colour_model: Path, tmp_path: Path) -> None:
    variables = {**image_variables(colour_model), **SHARED, **inject_lost_device(tmp_path)}
    with ServerProcess(tmp_path, **variables) as server:
        wait_until_all_are_ready(server)
        assert label(server, RED) == "n00000001 red"
        status, answer = server.post(plain(FATAL), "image/jpeg")
        assert status == 503
        assert "CUDA" not in json.dumps(answer)
        assert server.wait_for_end() == 70
        assert server.termination_log.read_text() == (
            "DeviceLost: the GPU failed: CUDA error: device-side assert triggered"
        )


def test_a_model_that_cannot_be_loaded_ends_the_server_with_78_and_the_reason(
    colour_model: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(colour_model, damaged)
    (damaged / "model.bin").write_bytes(b"")
    with ServerProcess(tmp_path, **image_variables(damaged), **SHARED) as server:
        assert server.wait_for_end() == 78
        assert server.termination_log.read_text().startswith("ModelLoadFailed: ")
        reported = [line for line in server.log_lines() if "cannot be loaded" in line["message"]]
    assert len(reported) == 1


def test_sigterm_under_load_loses_no_answer_and_ends_every_process(shared: ServerProcess) -> None:
    pids = [*shared.workers(), shared.inference_process()]
    load = Load(shared)
    wait_until(lambda: load.outcomes["right"] > 50)
    # As a terminal's Ctrl-C or a process group's end: the inference process is told, too.
    os.kill(pids[-1], signal.SIGTERM)
    shared.terminate()
    assert shared.wait_for_end() == 0
    outcomes = load.stop()
    assert set(outcomes) <= {"right", "broken off"}, "whatever was answered was answered rightly"
    wait_until(lambda: all(ended(pid) for pid in pids))


def test_no_process_outlives_a_killed_master(shared: ServerProcess) -> None:
    pids = [*shared.workers(), shared.inference_process()]
    shared.process.kill()
    shared.process.wait()
    wait_until(lambda: all(ended(pid) for pid in pids))


def test_an_inference_process_that_hangs_is_no_longer_live(
    colour_model: Path, tmp_path: Path
) -> None:
    variables = {
        **image_variables(colour_model),
        **SHARED,
        "SCORING_REQUEST_TIMEOUT_SECONDS": "2",
    }
    with ServerProcess(tmp_path, **variables) as server:
        wait_until_all_are_ready(server)
        owner = server.inference_process()
        os.kill(owner, signal.SIGSTOP)
        try:
            wait_until(lambda: server.get("/healthz/live")[0] == 503)
        finally:
            os.kill(owner, signal.SIGCONT)
        wait_until(lambda: server.get("/healthz/live")[0] == 200)


def test_more_than_the_places_is_refused_and_what_has_one_is_answered(
    colour_model: Path, tmp_path: Path
) -> None:
    variables = {**image_variables(colour_model), **SHARED, "SCORING_MAX_CONCURRENCY": "2"}
    with ServerProcess(tmp_path, **variables) as server:
        wait_until_all_are_ready(server)
        owner = server.inference_process()
        os.kill(owner, signal.SIGSTOP)
        try:
            load = Load(server, clients=8)
            wait_until(lambda: load.outcomes["503"] > 20)
            assert load.outcomes["right"] == 0
        finally:
            os.kill(owner, signal.SIGCONT)
        wait_until(lambda: load.outcomes["right"] > 10)
        assert set(load.stop()) <= {"right", "503"}


HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n"


def request(colour: tuple[int, int, int], *headers: bytes) -> bytes:
    body = plain(colour)
    return HEAD % len(body) + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def connected(server: ServerProcess) -> http.client.HTTPConnection:
    connection = server.connect()
    connection.connect()
    return connection


def next_answer(connection: http.client.HTTPConnection) -> tuple[http.client.HTTPResponse, Any]:
    """Head and document of what comes next over the connection."""
    answer = http.client.HTTPResponse(connection.sock)
    answer.begin()
    return answer, json.loads(answer.read())


@contextmanager
def standing_still(server: ServerProcess) -> Iterator[Callable[[], None]]:
    """What computes stands still until it is told to go on."""
    owner = server.inference_process()
    os.kill(owner, signal.SIGSTOP)
    with ExitStack() as stack:
        stack.callback(os.kill, owner, signal.SIGCONT)
        yield stack.close


def test_images_that_come_together_are_answered_in_their_order(shared: ServerProcess) -> None:
    connection = connected(shared)
    order = ["n00000002 green", "n00000001 red", "n00000003 blue", "n00000001 red"]
    connection.sock.sendall(b"".join(request(COLOURS[name]) for name in order))
    answers = [next_answer(connection)[1]["result"][0]["image"][0][0] for _ in order]
    assert answers == order
    connection.close()


def test_a_deadline_is_kept_while_the_model_computes_and_its_answer_is_dropped(
    shared: ServerProcess,
) -> None:
    connection = connected(shared)
    with standing_still(shared) as go_on:
        connection.sock.sendall(request(RED, b"X-Request-Timeout-Ms: 200"))
        answer, document = next_answer(connection)
        assert (answer.status, document["error"]["code"]) == (503, "deadline_exceeded")
        assert answer.headers["Retry-After"] == "1"
        connection.sock.sendall(request(GREEN))
        wait_until(lambda: b"in_flight 1.0" in shared.get("/metrics")[1])
        go_on()
        answer, document = next_answer(connection)
    assert (answer.status, document["result"][0]["image"][0][0]) == (200, "n00000002 green")
    connection.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        connection.sock.recv(1)
    connection.close()


def test_clients_that_went_away_leave_their_places(shared: ServerProcess) -> None:
    with standing_still(shared):
        for _ in range(4):
            connection = connected(shared)
            connection.sock.sendall(request(RED))
            wait_until(lambda: b"in_flight 0.0" not in shared.get("/metrics")[1])
            connection.close()
        wait_until(lambda: b"in_flight 4.0" in shared.get("/metrics")[1])
    wait_until(lambda: b"in_flight 0.0" in shared.get("/metrics")[1])
    assert label(shared, GREEN) == "n00000002 green"


def test_sigterm_answers_the_images_that_are_being_computed_and_ends(
    shared: ServerProcess,
) -> None:
    connections = [connected(shared) for _ in range(8)]
    with standing_still(shared) as go_on:
        for connection in connections:
            connection.sock.sendall(request(RED))
        wait_until(lambda: b"in_flight 8.0" in shared.get("/metrics")[1])
        shared.terminate()
        wait_until(lambda: refuses(shared))
        go_on()
        for connection in connections:
            answer, document = next_answer(connection)
            assert (answer.status, answer.headers["Connection"]) == (200, "close")
            assert document["result"][0]["image"][0][0] == "n00000001 red"
            connection.close()
    assert shared.wait_for_end() == 0
