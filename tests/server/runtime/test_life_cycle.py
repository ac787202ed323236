"""How a server starts, goes on and ends."""

import http.client
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.pictures import RED, encode, plain
from tests.server.runtime.conftest import faq_variables, image_variables
from tests.server.server_process import ServerProcess

PATIENCE_SECONDS = 60.0
# Decoding takes about 0.1 s.
LARGE = encode(
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8)),
    "PNG",
    compress_level=1,
)
HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


def connected(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)


def test_sigterm_finishes_a_request_whose_body_is_still_coming(images: ServerProcess) -> None:
    picture = plain(RED)
    with connected(images) as connection:
        connection.sendall(HEAD % len(picture) + picture[:100])
        images.terminate()
        wait_until(lambda: refuses(images))
        connection.sendall(picture[100:])
        answer = connection.recv(65_536)
    assert b" 200 OK" in answer
    assert images.wait_for_end() == 0


def test_sigterm_under_load_answers_every_request_that_got_through(images: ServerProcess) -> None:
    statuses: list[int] = []
    connections = [images.connect() for _ in range(16)]
    begun = threading.Semaphore(0)

    def send(connection: http.client.HTTPConnection) -> None:
        connection.putrequest("POST", "/score")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(len(LARGE)))
        connection.endheaders()
        begun.release()
        connection.send(LARGE)
        statuses.append(connection.getresponse().status)
        connection.close()

    threads = [threading.Thread(target=send, args=(connection,)) for connection in connections]
    for connection in connections:
        connection.connect()
    for thread in threads:
        thread.start()
    # A connection on which nothing has come yet is not kept for long after SIGTERM.
    for _ in threads:
        assert begun.acquire(timeout=PATIENCE_SECONDS)
    wait_until(lambda: re.search(rb"in_flight [1-9]", images.get("/metrics")[1]) is not None)
    images.terminate()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 16
    assert images.wait_for_end() == 0


def test_sigterm_answers_a_connection_that_still_waits_in_the_backlog(
    images: ServerProcess,
) -> None:
    (worker,) = images.workers()
    picture = plain(RED)
    os.kill(worker, signal.SIGSTOP)
    try:
        with connected(images) as connection:
            connection.sendall(HEAD % len(picture) + picture)
            images.terminate()
            wait_until(lambda: any("term" in line["message"] for line in images.log_lines()))
            os.kill(worker, signal.SIGCONT)
            assert b" 200 OK" in connection.recv(65_536)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert images.wait_for_end() == 0


def test_a_request_that_never_ends_does_not_keep_the_server(
    colour_model: Path, tmp_path: Path
) -> None:
    drain = {"SCORING_DRAIN_SECONDS": "2"}
    with ServerProcess(tmp_path, **image_variables(colour_model), **drain) as server:
        server.wait_until_ready()
        with connected(server) as connection:
            connection.sendall(HEAD % 1000 + b"half")
            started = time.monotonic()
            server.terminate()
            assert server.wait_for_end() == 0
            # The body may come for 30 s: it is not that which ended. The machine may be busy.
            assert 1.5 < time.monotonic() - started < 20


def test_nothing_is_left_in_memory_after_the_end(images: ServerProcess) -> None:
    name = f"scoring-server-{images.port}"
    places = [path for path in (Path("/dev/shm"), Path("/tmp")) if (path / name).is_dir()]
    assert len(places) == 1
    images.terminate()
    images.wait_for_end()
    assert not (places[0] / name).exists()


def test_a_killed_worker_is_replaced_and_what_was_counted_stays(images: ServerProcess) -> None:
    assert images.post(plain(), "image/jpeg")[0] == 200
    (worker,) = images.workers()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: images.workers() not in ([], [worker]))
    images.wait_until_ready()
    assert images.post(plain(), "image/jpeg")[0] == 200
    metrics = images.get("/metrics")[1].decode()
    assert 'scoring_requests_total{route="/score",status="200"} 2.0' in metrics
    assert "scoring_requests_in_flight 0.0" in metrics


def damaged(model: Path, tmp_path: Path, name: str) -> Path:
    copy = tmp_path / "damaged"
    shutil.copytree(model, copy)
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    return copy


def ends_with(server: ServerProcess, reason: str, message: str) -> None:
    assert server.wait_for_end() == 78
    last_words = server.termination_log.read_text()
    assert last_words.startswith(f"{reason}: ")
    assert message in last_words
    errors = [line for line in server.log_lines() if line["level"] == "error"]
    assert any(message in line["message"] for line in errors)


def test_a_damaged_image_model_ends_the_server_with_78_and_the_reason(
    colour_model: Path, tmp_path: Path
) -> None:
    model = damaged(colour_model, tmp_path, "model.xml")
    with ServerProcess(tmp_path, **image_variables(model)) as server:
        ends_with(server, "ModelLoadFailed", "the file is damaged or was replaced")


def test_a_missing_faq_model_ends_the_server_with_78_and_the_reason(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, **faq_variables(tmp_path / "missing")) as server:
        ends_with(server, "ModelLoadFailed", "missing does not exist")


def test_a_model_of_the_other_type_ends_the_server_with_78_and_the_reason(
    colour_model: Path, tmp_path: Path
) -> None:
    with ServerProcess(tmp_path, **faq_variables(colour_model)) as server:
        ends_with(server, "ModelLoadFailed", "is of kind image-classification")


def test_a_wrong_setting_ends_the_server_with_78_and_the_reason(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SCORING_MODEL_TYPE="poetry") as server:
        ends_with(
            server, "ConfigurationInvalid", "SCORING_MODEL_TYPE is 'poetry'; it must be one of"
        )


@pytest.mark.parametrize("workers", ["1", "3"])
def test_faq_workers_share_one_loading(faq_model: Path, tmp_path: Path, workers: str) -> None:
    variables = {**faq_variables(faq_model), "SCORING_WORKERS": workers}
    with ServerProcess(tmp_path, **variables) as server:
        server.wait_until_ready()
        server.wait_for_workers(int(workers))
        server.terminate()
        assert server.wait_for_end() == 0


def refuses(server: ServerProcess) -> bool:
    try:
        connected(server).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
