"""What a worker does with connections, in a real process."""

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.runtime.conftest import faq_model, faq_variables
from tests.server.server_process import ServerProcess

__all__ = ["faq_model"]

QUESTION = json.dumps({"input": "how do i copy an object", "top": 1}).encode()
SLOW = json.dumps({"input": ["how do i copy an object " * 10] * 256, "top": 1}).encode()
HEAD = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
)
PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def narrow(faq_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with places for two requests."""
    variables = faq_variables(faq_model) | {"SCORING_WORKERS": "1", "SCORING_MAX_CONCURRENCY": "2"}
    with ServerProcess(tmp_path_factory.mktemp("narrow"), **variables) as server:
        server.wait_until_ready()
        yield server


def connected(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)


def post(body: bytes, *headers: bytes) -> bytes:
    return HEAD % len(body) + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


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


@pytest.fixture
def full(narrow: ServerProcess) -> Iterator[ServerProcess]:
    """All places are taken for a while."""
    holders = [connected(narrow) for _ in range(2)]
    while True:
        for holder in holders:
            holder.sendall(post(SLOW) * 8)
        if b"in_flight 2.0" in narrow.get("/metrics")[1]:
            break
        for holder in holders:
            answers(holder, 8)
    yield narrow
    for holder in holders:
        holder.close()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while b"in_flight 0.0" not in narrow.get("/metrics")[1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
        sock.sendall(HEAD % 1_000_000 + b"\r\nhalf")
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
        sock.sendall(HEAD % len(QUESTION) + b"Expect: 100-continue\r\n\r\n")
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


def sockets(worker: int) -> int:
    links = [path.readlink().name for path in Path(f"/proc/{worker}/fd").iterdir()]
    return sum(link.startswith("socket:") for link in links)


def test_kept_connections_are_spread_over_the_workers(faq_model: Path, tmp_path: Path) -> None:
    with ServerProcess(tmp_path, **faq_variables(faq_model), SCORING_WORKERS="2") as server:
        server.wait_until_ready()
        deadline = time.monotonic() + PATIENCE_SECONDS
        shares = [0]
        while len(shares) < 2 or min(shares) < 5:  # the second worker may take a while to start
            assert time.monotonic() < deadline, shares
            kept = [connected(server) for _ in range(16)]
            for sock in kept:
                sock.sendall(post(QUESTION))
                answers(sock, 1)
            shares = [sockets(worker) for worker in server.workers()]
            for sock in kept:
                sock.close()
