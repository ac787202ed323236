"""The commands that the README and the guides tell users to type are typed here."""

import re
import shlex
from pathlib import Path

import pytest

from tests.node.namespace import Namespace

REPOSITORY = Path(__file__).parents[2]
MARK = "<!-- these commands are run by tests/node/test_readme.py -->"

pytestmark = pytest.mark.node


def run_commands(namespace: Namespace, document: str) -> dict[str, str]:
    """Run the marked blocks of a document in turn; what each kubectl command printed last."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    blocks = re.findall(re.escape(MARK) + r"\n```sh\n(.*?)```", text, re.DOTALL)
    assert blocks, f"{document} lost its marked blocks"
    printed = {}
    for line in "".join(blocks).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "kubectl", line
        printed[arguments[0]] = namespace.run(*arguments)
    return printed


def test_the_commands_of_the_readme_work(namespace: Namespace) -> None:
    printed = run_commands(namespace, "README.md")
    assert "AllReplicasReady" in printed["get"] or "/score" in printed["get"]


def test_the_commands_for_api_keys_work(namespace: Namespace) -> None:
    run_commands(namespace, "docs/operations.md")
    kept = namespace.get("secret", "faq-keys")["data"]
    assert set(kept) == {"batch", "website-2"}


def test_the_commands_for_autoscaling_work(namespace: Namespace) -> None:
    printed = run_commands(namespace, "docs/autoscaling.md")
    assert "Deployment/autoscaled" in printed["get"]
