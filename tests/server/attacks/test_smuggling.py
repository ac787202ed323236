"""Request smuggling through Traefik, the tests' ingress controller: nobody gets another's answer.

Traefik keeps its connections to the server and sends the requests of many clients over them. Had an
attack left bytes in one that the two read differently, the next client would get another's answer,
which the id that the server gives back tells.
"""

import contextlib
import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.node.exposure import downloads
from tests.ports import reserved_port
from tests.reliability.figures import record
from tests.server.attacks.http_bytes import AMBIGUOUS, NO_HTTP, RIGHT
from tests.server.attacks.target import Target
from tests.server.server_process import send_bytes

PATIENCE_SECONDS = 120.0
CLIENTS = 4
ROUTES = """\
http:
  routers:
    all: {{rule: "PathPrefix(`/`)", service: server, entryPoints: [web]}}
  services:
    server: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{port}"}}]}}}}
"""


@pytest.fixture(scope="module")
def proxy(faq: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Traefik in front of the server."""
    try:
        program = downloads.traefik()
    except (ClusterError, OSError) as error:
        pytest.skip(f"needs Traefik: {error}")
    folder = tmp_path_factory.mktemp("traefik")
    (folder / "routes.yaml").write_text(ROUTES.format(port=faq.port))
    with reserved_port() as port:
        yield from running(program, folder, port)


def running(program: Path, folder: Path, port: int) -> Iterator[int]:
    options = [
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={folder / 'routes.yaml'}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [program, *options], cwd=folder, env=os.environ, stdout=output, stderr=output
        ) as process,
    ):
        try:
            wait_until_routed(port, process, log)
            yield port
        finally:
            process.terminate()


def wait_until_routed(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(port, "first")[0] == 200:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def ask(port: int, identity: str) -> tuple[int, str | None]:
    """Status of a question, and the id that its answer has."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "X-Request-Id": identity}
        connection.request("POST", "/score", b'{"input": "how do i start", "top": 1}', headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["X-Request-Id"]


def test_nobody_gets_anothers_answer(faq: Target, proxy: int) -> None:
    attacks = {**AMBIGUOUS, **NO_HTTP, **RIGHT}
    for number, (name, data) in enumerate(attacks.items()):
        # What is answered is Traefik's affair: 500 to broken chunks, frames to HTTP/2's preface.
        send_bytes(proxy, data)
        for client in range(CLIENTS):
            identity = f"{number}-{client}"
            assert ask(proxy, identity) == (200, identity), name
    record(
        "X8",
        "through Traefik, processes",
        f"{len(attacks)} attacks, {CLIENTS * len(attacks)} requests of others: each its own answer",
    )
