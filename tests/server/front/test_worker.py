"""What a worker does with connections, in a real process."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.pictures import plain
from tests.server.runtime.conftest import (
    colour_model,
    faq_model,
    faq_variables,
    image_variables,
)
from tests.server.server_process import ServerProcess, open_sockets

__all__ = ["colour_model", "faq_model"]

QUESTION = json.dumps({"input": "how do i copy an object", "top": 1}).encode()
HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
JSON = b"application/json"
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def narrow(faq_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with places for two requests."""
    variables = faq_variables(faq_model) | {"SCORING_WORKERS": "1", "SCORING_MAX_CONCURRENCY": "2"}
    with ServerProcess(tmp_path_factory.mktemp("narrow"), **variables) as server:
        server.wait_until_ready()
        yield server


def connected(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)


def post(body: bytes, *headers: bytes, content_type: bytes = JSON) -> bytes:
    more = b"".join(header + b"\r\n" for header in headers)
    return HEAD % (content_type, len(body)) + more + b"\r\n" + body


def answers(sock: socket.socket, count: int) -> list[bytes]:
    """The heads of so many answers."""
    data = b""
    found: list[bytes] = []
    while len(found) < count:
        chunk = sock.recv(65_536)
        assert chunk, data
        data += chunk
        while match := re.match(rb"(HTTP/1.1 .*?)\r\n\r\n", data, re.DOTALL):
            length = re.search(rb"Content-Length: (\d+)", match[1])
            size = match.end() + (int(length[1]) if length else 0)
            if len(data) < size:
                break
            found.append(match[1])
            data = data[size:]
    return found


@pytest.fixture(scope="module")
def full(colour_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose two places are taken: what computes for them stands still."""
    variables = image_variables(colour_model) | {
        "SCORING_INFERENCE": "process",
        "SCORING_WORKERS": "1",
        "SCORING_MAX_CONCURRENCY": "2",
        "SCORING_MAX_BATCH_SIZE": "1",
        "SCORING_REQUEST_TIMEOUT_SECONDS": "600",
    }
    with ServerProcess(tmp_path_factory.mktemp("full"), **variables) as server:
        server.wait_until_ready()
        owner = server.inference_process()
        os.kill(owner, signal.SIGSTOP)
        holders = [connected(server) for _ in range(2)]
        try:
            for holder in holders:
                holder.sendall(post(plain(), content_type=b"image/jpeg"))
            deadline = time.monotonic() + PATIENCE_SECONDS
            while b"in_flight 2.0" not in server.get("/metrics")[1]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield server
        finally:
            os.kill(owner, signal.SIGCONT)
            for holder in holders:
                holder.close()


def test_without_a_place_a_request_is_refused_and_its_connection_kept(full: ServerProcess) -> None:
    with connected(full) as sock:
        sock.sendall(post(QUESTION) * 3)
        for head in answers(sock, 3):
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nRetry-After: 1\r\n" in head
            assert head.endswith(b"Connection: keep-alive")


def test_the_open_inference_protocol_is_refused_in_its_own_words(full: ServerProcess) -> None:
    connection = full.connect()
    connection.request("POST", "/v2/models/shipped/infer", QUESTION)
    response = connection.getresponse()
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert json.loads(response.read()) == {"error": "too many requests at once: try again"}
    connection.close()


def test_without_a_place_a_body_is_not_waited_for(full: ServerProcess) -> None:
    with connected(full) as sock:
        sock.sendall(HEAD % (JSON, 1_000_000) + b"\r\nhalf")
        (head,) = answers(sock, 1)
        assert head.startswith(b"HTTP/1.1 503 ")
        assert head.endswith(b"Connection: close")


def test_refusals_are_counted(full: ServerProcess) -> None:
    def refused() -> float:
        text = full.get("/metrics")[1].decode()
        match = re.search(r'scoring_refusals_total{reason="overloaded"} (\S+)', text)
        return float(match[1]) if match else 0.0

    before = refused()
    with connected(full) as sock:
        sock.sendall(post(QUESTION))
        answers(sock, 1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while refused() <= before:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_client_that_asks_first_is_told_to_go_on(narrow: ServerProcess) -> None:
    with connected(narrow) as sock:
        sock.sendall(HEAD % (JSON, len(QUESTION)) + b"Expect: 100-continue\r\n\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(QUESTION)
        (head,) = answers(sock, 1)
        assert head.startswith(b"HTTP/1.1 200 ")


def test_a_request_may_come_a_few_bytes_at_a_time(narrow: ServerProcess) -> None:
    with connected(narrow) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = post(QUESTION)
        for begin in range(0, len(data), 9):
            sock.sendall(data[begin : begin + 9])
            time.sleep(0.001)
        (head,) = answers(sock, 1)
        assert head.startswith(b"HTTP/1.1 200 ")


def test_two_lengths_are_refused_and_what_follows_is_not_read(narrow: ServerProcess) -> None:
    with connected(narrow) as sock:
        sock.sendall(post(QUESTION, b"Content-Length: 5") + post(QUESTION))
        data = b""
        while chunk := sock.recv(65_536):
            data += chunk
    assert data.startswith(b"HTTP/1.1 400 ")
    assert data.count(b"HTTP/1.1") == 1


def test_beyond_the_most_connections_the_idle_ones_go(narrow: ServerProcess) -> None:
    idle = [connected(narrow) for _ in range(1100)]
    assert narrow.get("/healthz/ready")[0] == 200
    with connected(narrow) as sock:
        sock.sendall(post(QUESTION))
        (head,) = answers(sock, 1)
        assert head.startswith(b"HTTP/1.1 200 ")
    for sock in idle:
        sock.close()


def test_kept_connections_are_spread_over_the_workers(faq_model: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, **faq_variables(faq_model), SCORING_WORKERS="2") as server:
        server.wait_until_ready()
        server.wait_for_workers(2)
        deadline = time.monotonic() + PATIENCE_SECONDS
        shares = [0]
        while min(shares) < 5:  # the second worker may take a while until it accepts
            assert time.monotonic() < deadline, shares
            kept = [connected(server) for _ in range(16)]
            for sock in kept:
                sock.sendall(post(QUESTION))
                answers(sock, 1)
            shares = [open_sockets(worker) for worker in server.workers()]
            for sock in kept:
                sock.close()
