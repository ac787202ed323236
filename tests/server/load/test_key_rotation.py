"""Row X5: API keys change under load, and no caller with a good key is ever turned away."""

import itertools
import time
from pathlib import Path

from tests.reliability.figures import record
from tests.server.load.conftest import QUESTION
from tests.server.load.generator import Plan, running
from tests.server.runtime.conftest import faq_variables
from tests.server.runtime.test_keys import status
from tests.server.secret_volume import SecretVolume
from tests.server.server_process import ServerProcess

RATE = 100.0
# Each worker looks once a second: a caller may switch over after so long. (In a pod the kubelet's
# minute comes before that.)
ANNOUNCED_SECONDS = 3.0
PATIENCE_SECONDS = 15.0
# So many equal answers in a row come from both workers.
STREAK = 20


def seconds_until(server: ServerProcess, key: str, wanted: int) -> float:
    """How long it takes until every worker answers so."""
    begin, streak, first = time.monotonic(), 0, 0.0
    while streak < STREAK:
        now = time.monotonic()
        assert now - begin < PATIENCE_SECONDS
        if status(server, X_API_Key=key) == wanted:
            first = first if streak else now
            streak += 1
        else:
            streak = 0
    return first - begin


def test_keys_are_rotated_under_load(faq_model: Path, tmp_path: Path, long: bool) -> None:
    rotations = 20 if long else 2
    keys = [f"key-number-{number:04d}-{'x' * 16}" for number in range(rotations + 1)]
    volume = SecretVolume(tmp_path / "keys", {"old": keys[0]})
    variables = faq_variables(faq_model) | {"SCORING_API_KEYS_DIR": str(volume.path)}
    slowest, total = 0.0, 0
    with ServerProcess(tmp_path, **variables, SCORING_WORKERS="2") as server:
        server.wait_until_ready()
        server.wait_for_workers(2)
        for old, new in itertools.pairwise(keys):
            with running(
                Plan(server.port, RATE, 60, (QUESTION,), headers={"X-API-Key": old})
            ) as load:
                time.sleep(0.5)
                volume.write({"old": old, "new": new})
                seconds_until(server, new, 200)
                ledgers = [load.stop()]
            with running(
                Plan(server.port, RATE, 60, (QUESTION,), headers={"X-API-Key": new})
            ) as load:
                time.sleep(0.5)
                volume.write({"new": new})
                slowest = max(slowest, seconds_until(server, old, 401))
                ledgers.append(load.stop())
            for ledger in ledgers:
                assert set(ledger.statuses) == {200}, ledger.statuses
                total += len(ledger)
    record(
        "X5",
        "the server, two workers",
        f"{rotations} rotations under {RATE:.0f} requests/s: 0 wrong answers of {total}; "
        f"the old key refused by all within {slowest:.1f} s of its file's going",
    )
