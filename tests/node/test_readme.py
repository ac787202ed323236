"""The commands that the README tells users to type are typed here."""

import re
import shlex
from pathlib import Path

import pytest

from tests.node.namespace import Namespace

REPOSITORY = Path(__file__).parents[2]
MARK = "<!-- these commands are run by tests/node/test_readme.py -->"

pytestmark = pytest.mark.node


def test_the_commands_of_the_readme_work(namespace: Namespace) -> None:
    text = (REPOSITORY / "README.md").read_text()
    block = re.search(re.escape(MARK) + r"\n```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None, "the README lost its marked block"
    printed = {}
    for line in block[1].splitlines():
        program, *arguments = shlex.split(line)
        assert program == "kubectl", line
        printed[arguments[0]] = namespace.run(*arguments)
    assert "AllReplicasReady" in printed["get"] or "/score" in printed["get"]
