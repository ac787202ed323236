"""The commands of docs/faq.md do what the guide says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import reserved_port

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"(?P<mark><!-- needs a cluster -->\n)?```sh\n(?P<script>.*?)```", re.DOTALL)


def scripts() -> list[str]:
    """The commands of the guide that need no cluster, one script per block."""
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    return [block["script"] for block in _BLOCK.finditer(text) if not block["mark"]]


def run(script: str, folder: Path) -> str:
    """Run a block as a person would who pastes it into a shell; its output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SCORING_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["SCORING_TERMINATION_LOG"] = str(folder / "termination-log")
    environment["SCORING_CPUS"] = "1"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide asks the server with curl")
def test_the_guide_leads_from_a_faq_to_a_running_service(tmp_path: Path) -> None:
    (tmp_path / "scoring_image").symlink_to(ROOT / "scoring_image")
    with reserved_port() as port:
        outputs = [run(script.replace("8080", str(port)), tmp_path) for script in scripts()]
    told = "\n".join(outputs)
    assert "of them without an original" in outputs[0]
    assert "Acc@1" in told
    assert "best threshold of P(none)" in told
    assert "other-model" in told
    assert {path.stem for path in (tmp_path / "plots").iterdir()} == {
        "reliability",
        "accuracy-at-k",
        "no-match-trade-off",
    }
    assert json.loads((tmp_path / "report.json").read_text())["accuracyAt3"] > 0.4
    assert (tmp_path / "answers.jsonl").read_text().count("\n") > 100
    served = next(line for line in told.splitlines() if '"result"' in line)
    # The server's log follows on the same line.
    answer, _ = json.JSONDecoder().raw_decode(served[served.index('{"result"') :])
    ranking, _, details = answer["result"]
    assert len(ranking) == len(details["matches"]) == 3
    assert re.search(r"^[0-9a-f]{64}  my-faq\.tar\.gz$", told, re.MULTILINE)


def test_the_resource_of_the_guide_is_one_that_the_operator_accepts(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    (marked,) = [block["script"] for block in _BLOCK.finditer(text) if block["mark"]]
    assert all("kubectl" not in script for script in scripts())
    resource = marked[marked.index("apiVersion") : marked.index("END\nkubectl")]
    resource = re.sub(r"\$\(.*\)", "0" * 64, resource)
    (tmp_path / "faq.yaml").write_text(resource, encoding="utf-8")
    assert "kind: Deployment" in run("scoring-operator render -f faq.yaml", tmp_path)
