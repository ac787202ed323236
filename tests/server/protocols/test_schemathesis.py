"""schemathesis: requests made from /openapi.json, right ones and wrong ones, and their answers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.server.protocols.conftest import KEY
from tests.server.server_process import ServerProcess

CHECKER = Path(sys.executable).with_name("schemathesis")
FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
# Requests of each kind for each operation.
SHORT, LONG = 5, 1000
SEED = 1


@pytest.mark.parametrize("model", ["faq", "images"])
def test_every_answer_is_as_described(
    model: str, request: pytest.FixtureRequest, long: bool, tmp_path: Path
) -> None:
    server: ServerProcess = request.getfixturevalue(model)
    checked = subprocess.run(
        [
            str(CHECKER),
            f"--config-file={FOLDER / 'schemathesis.toml'}",
            "run",
            f"http://127.0.0.1:{server.port}/openapi.json",
            f"--header=X-API-Key: {KEY}",
            f"--max-examples={LONG if long else SHORT}",
            f"--seed={SEED}",
            "--no-color",
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.server.protocols.schemathesis_hooks",
            "NO_PROXY": "127.0.0.1",
        },
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = re.search(r"(\d+) generated, (\d+) passed", checked.stdout)
    assert cases is not None, checked.stdout
    generated, passed = map(int, cases.groups())
    assert generated == passed
    record("S4", f"schemathesis, {model}", f"{passed} of {generated} answered as described")
