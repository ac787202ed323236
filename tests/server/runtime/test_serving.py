"""Real processes that answer real requests."""

import base64
import json
import re
from pathlib import Path

from tests.server.colour_model import write_colour_model
from tests.server.pictures import BLUE, plain
from tests.server.runtime.conftest import faq_variables, image_variables
from tests.server.server_process import ServerProcess, send_bytes

SECRET = "canary-7f3a"


def test_a_faq_server_answers_questions_from_every_worker(faq: ServerProcess) -> None:
    for _ in range(20):
        status, answer = faq.post(json.dumps({"input": "how do I loop over an array"}).encode())
        assert status == 200
        ranking = answer["result"][0]
        assert len(ranking) >= 40
        assert [len(match) for match in ranking[:3]] == [3, 3, 3]
    assert len(faq.workers()) == 2
    # Whichever worker answers counts for all.
    metrics = faq.get("/metrics")[1].decode()
    assert 'scoring_requests_total{route="/score",status="200"} 20.0' in metrics
    assert re.search(r'scoring_model_info{.*name="shipped".*} 1.0', metrics)


def test_an_image_server_answers_pictures(images: ServerProcess) -> None:
    encoded = base64.b64encode(plain(BLUE)).decode()
    status, answer = images.post(json.dumps({"input": {"sky.jpg": encoded}}).encode())
    assert status == 200
    assert answer["result"][0]["sky.jpg"][0][0] == "n00000003 blue"
    status, answer = images.post(plain(BLUE), "image/jpeg")
    assert answer["result"][0]["image"][0][0] == "n00000003 blue"
    version = json.loads(images.get("/version")[1])
    assert version["model"]["name"] == "mean-colour"
    assert version["backend"]["name"] == "openvino"
    assert "scoring_batch_size_count 2.0" in images.get("/metrics")[1].decode()


def test_the_log_is_json_and_one_line_a_request(images: ServerProcess) -> None:
    images.post(plain(), "image/jpeg")
    images.terminate()
    assert images.wait_for_end() == 0
    requests = [line for line in images.log_lines() if line["message"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [("/score", 200)]


def test_random_weights_are_called_so(tmp_path: Path) -> None:
    model = write_colour_model(tmp_path / "model", weights="random")
    with ServerProcess(tmp_path, **image_variables(model)) as server:
        server.wait_until_ready()
        assert json.loads(server.get("/version")[1])["model"]["weights"] == "random"
        warnings = [line["message"] for line in server.log_lines() if line["level"] == "warning"]
    assert warnings == ["the model's weights are random: its answers mean nothing"]


def raw(server: ServerProcess, request: bytes) -> bytes:
    """What the server answers to these bytes, until it closes."""
    return send_bytes(server.port, request)[0]


def chunked(*chunks: bytes) -> bytes:
    head = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    return head + b"".join(chunks)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_bodies_without_an_announced_length_are_bounded(colour_model: Path, tmp_path: Path) -> None:
    limit = {"SCORING_MAX_BODY_BYTES": "20000"}
    with ServerProcess(tmp_path, **image_variables(colour_model), **limit) as server:
        server.wait_until_ready()
        picture = plain(BLUE)
        good = raw(server, chunked(chunk(picture[:100]), chunk(picture[100:]), b"0\r\n\r\n"))
        assert b" 200 OK\r\n" in good
        assert b"n00000003 blue" in good
        exact = raw(server, chunked(chunk(picture.ljust(20_000, b"\0")), b"0\r\n\r\n"))
        assert b" 200 OK\r\n" in exact
        large = raw(server, chunked(*[chunk(b"x" * 5000)] * 5, b"0\r\n\r\n"))
        assert large.startswith(b"HTTP/1.1 413 ")
        assert b'{"error":{"code":"body_too_large","message":"the body has more than 20000' in large


def test_a_broken_body_is_a_400(images: ServerProcess) -> None:
    short = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: 100\r\nConnection: close\r\n\r\nhalf"
    )
    for request in (short, chunked(b"zz\r\n", chunk(b"x")), chunked(chunk(b"half"))):
        answer = raw(images, request)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b'"code":"incomplete_body"' in answer


def test_malformed_http_is_answered_in_json_and_not_quoted_in_the_log(
    images: ServerProcess,
) -> None:
    secret = SECRET.encode()
    requests = {
        b"GET /" + secret + b" HTTP/9.9\r\n\r\n": b"400",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header " + secret + b": 1\r\n\r\n": b"400",
        b"GET /" + secret * 2000 + b" HTTP/1.1\r\n\r\n": b"414",
        b"GET / HTTP/1.1\r\n" + b"X: " + secret * 2000 + b"\r\n\r\n": b"431",
    }
    for request, status in requests.items():
        answer = raw(images, request)
        assert answer.startswith(b"HTTP/1.1 " + status), answer[:100]
        assert b'{"error":{"code":"malformed_http"' in answer
        assert secret not in answer
    assert SECRET not in images.log.read_text()


def test_a_refused_body_leaves_the_connection_in_step_or_closes_it_openly(
    images: ServerProcess,
) -> None:
    small, large = b"x" * 500_000, b"x" * 3_000_000
    connection = images.connect()
    for _ in range(3):
        connection.request("POST", "/score", small, {"Content-Type": "text/plain"})
        response = connection.getresponse()
        assert (response.status, response.headers["Connection"]) == (415, "keep-alive")
        response.read()
    connection.request("POST", "/score", plain(), {"Content-Type": "image/jpeg"})
    response = connection.getresponse()
    assert response.status == 200
    response.read()
    connection.request("POST", "/score", large, {"Content-Type": "text/plain"})
    response = connection.getresponse()
    assert (response.status, response.headers["Connection"]) == (415, "close")
    connection.close()


def test_requests_that_come_together_are_answered_one_after_the_other(faq: ServerProcess) -> None:
    request = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 21\r\n\r\n{"input":"a","top":1}'
    )
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = raw(faq, request * 5 + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 5
    assert answer.count(b'{"result":[[[') == 5
    assert b"HTTP/1.1 404 " in answer


def test_idle_connections_do_not_keep_others_waiting(faq_model: Path, tmp_path: Path) -> None:
    variables = {**faq_variables(faq_model), "SCORING_WORKERS": "1", "SCORING_THREADS": "2"}
    with ServerProcess(tmp_path, **variables) as server:
        server.wait_until_ready()
        connections = [server.connect() for _ in range(10)]
        for _ in range(3):
            for connection in connections:
                connection.request("GET", "/healthz/ready")
                response = connection.getresponse()
                assert response.status == 200
                response.read()
        for connection in connections:
            connection.close()


def test_a_head_request_gets_the_head_alone(faq: ServerProcess) -> None:
    answer = raw(faq, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 7\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")
