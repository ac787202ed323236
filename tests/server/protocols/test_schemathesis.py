"""schemathesis: requests made from /openapi.json, right ones and wrong ones, and their answers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.figures import record
from tests.server.attacks.target import Target
from tests.server.protocols.conftest import KEY

CHECKER = Path(sys.executable).with_name("schemathesis")
FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
# Requests of each kind for each operation.
SHORT, LONG = 5, 200
SEED = 1
# Of the allocator, and words that a FAQ remembers.
FLAT_MEGABYTES = 48.0


@pytest.mark.parametrize("model", ["faq", "images"])
def test_every_answer_is_as_described(
    model: str, request: pytest.FixtureRequest, long: bool, tmp_path: Path
) -> None:
    server: Target = request.getfixturevalue(model)
    before = server.resident()
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
    server.check_unharmed()
    growth = server.resident() - before
    assert growth < FLAT_MEGABYTES
    record(
        "S4",
        f"schemathesis, {model}",
        f"{passed} of {generated} answered as described; {growth:+.0f} MB",
    )
