"""The commands of docs/scoring-api.md do what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.server.protocols.conftest import KEY, PREFIX
from tests.server.server_process import ServerProcess

GUIDE = Path(__file__).parents[3] / "docs" / "scoring-api.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_the_commands_work(faq: ServerProcess, block: str, prefix: str) -> None:
    # As the guide tells to do with keys.
    script = block.replace("curl -s --fail", f"curl -s --fail -H 'X-API-Key: {KEY}'")
    ran = subprocess.run(
        ["bash", "-euc", script],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "URL": f"http://127.0.0.1:{faq.port}{prefix}", "no_proxy": "*"},
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"result"' in ran.stdout or '"outputs"' in ran.stdout
