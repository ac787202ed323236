"""API keys of real server processes."""

import json
import time
from pathlib import Path

import pytest

from tests.server.runtime.conftest import faq_variables
from tests.server.secret_volume import SecretVolume
from tests.server.server_process import ServerProcess

OLD = "canary-old-0123456789"
NEW = "canary-new-0123456789"
QUESTION = json.dumps({"input": "how do I loop over an array"}).encode()


def guarded(faq_model: Path, volume: SecretVolume, folder: Path, **variables: str) -> ServerProcess:
    variables = {**faq_variables(faq_model), "SCORING_API_KEYS_DIR": str(volume.path), **variables}
    return ServerProcess(folder, **variables)


def status(server: ServerProcess, **headers: str) -> int:
    connection = server.connect()
    try:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            "POST", "/score", QUESTION, {"Content-Type": "application/json", **headers}
        )
        return connection.getresponse().status
    finally:
        connection.close()


def settled(server: ServerProcess, key: str, wanted: int) -> None:
    """Wait until every worker answers so, which takes each of them a second at most."""
    deadline = time.monotonic() + 60
    streak = 0
    while streak < 20:
        assert time.monotonic() < deadline
        streak = streak + 1 if status(server, X_API_Key=key) == wanted else 0
        time.sleep(0.01)


def test_keys_are_replaced_without_a_restart_and_never_logged(
    faq_model: Path, tmp_path: Path
) -> None:
    volume = SecretVolume(tmp_path / "keys", {"mobile-app": OLD + "\n"})
    variables = {"SCORING_WORKERS": "2", "SCORING_LOG_LEVEL": "debug"}
    with guarded(faq_model, volume, tmp_path, **variables) as server:
        server.wait_until_ready()
        assert status(server, X_API_Key=OLD) == 200
        assert status(server, Authorization=f"Bearer {OLD}") == 200
        assert status(server, X_API_Key=NEW) == 401
        assert status(server) == 401
        server.wait_for_workers(2)
        workers = server.workers()
        volume.write({"mobile-app": NEW})
        settled(server, NEW, 200)
        settled(server, OLD, 401)
        volume.write({})
        settled(server, NEW, 401)
        assert server.get("/healthz/ready")[0] == 200
        assert server.get("/metrics")[0] == 200
        assert server.workers() == workers
        status(server, X_API_Key="canary-" + "x" * 10_000)
        status(server, X_API_Key="canary-\x01")
    log = server.log.read_text()
    assert "canary" not in log
    lines = server.log_lines()
    assert {line["apiKey"] for line in lines if "apiKey" in line} == {"mobile-app"}
    errors = [line["message"] for line in lines if line["level"] == "error"]
    assert 1 <= len(errors) <= len(workers)
    assert all(message.endswith("holds no key: all requests are refused") for message in errors)


PROBLEMS = {
    "no keys": ({}, "holds no key"),
    "a short key": ({"good": OLD, "weak": "canary"}, "'weak' in {keys} is shorter than 16"),
}


@pytest.mark.parametrize(("content", "problem"), PROBLEMS.values(), ids=PROBLEMS)
def test_keys_that_cannot_be_used_end_the_server_with_78_and_the_reason(
    faq_model: Path, tmp_path: Path, content: dict[str, str], problem: str
) -> None:
    volume = SecretVolume(tmp_path / "keys", content)
    with guarded(faq_model, volume, tmp_path) as server:
        assert server.wait_for_end() == 78
    last_words = server.termination_log.read_text()
    assert last_words.startswith("ConfigurationInvalid: ")
    assert problem.format(keys=volume.path) in last_words
    assert "canary" not in last_words + server.log.read_text()
