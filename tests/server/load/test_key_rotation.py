"""Row X5: API keys change under load, and no caller with a good key is ever turned away."""

import http.client
import itertools
import time
from pathlib import Path

from tests.reliability.figures import record
from tests.server.load.conftest import QUESTION
from tests.server.load.generator import Plan, running
from tests.server.load.victims import client_ports
from tests.server.runtime.conftest import faq_variables
from tests.server.secret_volume import SecretVolume
from tests.server.server_process import ServerProcess

RATE = 100.0
# Each worker looks once a second, and in a pod the kubelet's minute comes before that. Generous:
# the machine may have other work to do.
PATIENCE_SECONDS = 60.0


def spread_connections(server: ServerProcess) -> list[http.client.HTTPConnection]:
    """At least one to every worker, which are kept: new ones may all go to the less busy one."""
    connections: list[http.client.HTTPConnection] = []
    ports: set[int] = set()
    begin = time.monotonic()
    # A worker that has just begun does not take its share yet.
    while not all(ports & client_ports(worker) for worker in server.workers()):
        assert time.monotonic() - begin < PATIENCE_SECONDS
        connections.append(server.connect())
        assert status(connections[-1], "") == 401
        ports.add(connections[-1].sock.getsockname()[1])
    return connections


def status(connection: http.client.HTTPConnection, key: str) -> int:
    """Of a question with this key."""
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    connection.request("POST", "/score", QUESTION, headers)
    response = connection.getresponse()
    response.read()
    return response.status


def seconds_until(connections: list[http.client.HTTPConnection], key: str, wanted: int) -> float:
    """How long it takes until every worker answers so."""
    begin = time.monotonic()
    while any(status(connection, key) != wanted for connection in connections):
        assert time.monotonic() - begin < PATIENCE_SECONDS
    return time.monotonic() - begin


def test_keys_are_rotated_under_load(faq_model: Path, tmp_path: Path, long: bool) -> None:
    rotations = 20 if long else 2
    keys = [f"key-number-{number:04d}-{'x' * 16}" for number in range(rotations + 1)]
    volume = SecretVolume(tmp_path / "keys", {"old": keys[0]})
    variables = faq_variables(faq_model) | {"SCORING_API_KEYS_DIR": str(volume.path)}
    slowest, total = 0.0, 0
    with ServerProcess(tmp_path, **variables, SCORING_WORKERS="2") as server:
        server.wait_until_ready()
        server.wait_for_workers(2)
        connections = spread_connections(server)
        for old, new in itertools.pairwise(keys):
            with running(
                Plan(server.port, RATE, 60, (QUESTION,), headers={"X-API-Key": old})
            ) as load:
                time.sleep(0.5)
                volume.write({"old": old, "new": new})
                seconds_until(connections, new, 200)
                ledgers = [load.stop()]
            with running(
                Plan(server.port, RATE, 60, (QUESTION,), headers={"X-API-Key": new})
            ) as load:
                time.sleep(0.5)
                volume.write({"new": new})
                slowest = max(slowest, seconds_until(connections, old, 401))
                ledgers.append(load.stop())
            for ledger in ledgers:
                # On a machine with other work the workers may be too slow for some, and say so.
                assert set(ledger.statuses) <= {200, 503}, ledger.statuses
                assert ledger.statuses[200] > len(ledger) / 2
                total += len(ledger)
    record(
        "X5",
        "the server, two workers",
        f"{rotations} rotations under {RATE:.0f} requests/s: 0 wrong answers of {total}; "
        f"the old key refused by all within {slowest:.1f} s of its file's going",
    )
