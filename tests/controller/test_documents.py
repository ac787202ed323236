"""What the README and the examples show is true of the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring_operator.api import API_VERSION, KIND, ScoringService
from scoring_operator.api.crd import custom_resource_definition
from scoring_operator.cli import main
from scoring_operator.manifests import Platform, render
from scoring_operator.status.reasons import Reason

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.yaml"))

DOCUMENTS = sorted((REPOSITORY / "docs").glob("*.md"))
LINKING = [REPOSITORY / "README.md", REPOSITORY / "examples" / "README.md", *DOCUMENTS]


def resources(text: str) -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all(text) if item and item.get("kind") == KIND]


def test_the_readmes_resource_is_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (resource,) = (item for block in blocks for item in resources(block))
    assert render(ScoringService.parse(resource), Platform())


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_is_valid_and_explained(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    for resource in resources(text):
        assert render(ScoringService.parse(resource), Platform())


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_can_be_rendered_offline(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "-f", str(path)]) == 0
    kinds = [item["kind"] for item in yaml.safe_load_all(capsys.readouterr().out)]
    assert {"Service", "Deployment"} <= set(kinds)


def test_every_example_is_listed() -> None:
    index = (REPOSITORY / "examples" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\(([^)/]+\.yaml)\)", index)
    assert sorted(listed) == [path.name for path in EXAMPLES]


def test_the_readmes_table_has_the_columns_that_kubectl_prints() -> None:
    (version,) = custom_resource_definition()["spec"]["versions"]
    columns = [c["name"] for c in version["additionalPrinterColumns"] if not c.get("priority")]
    header = next(line for line in README.splitlines() if line.startswith("NAME "))
    assert header.split() == ["NAME", *(name.upper() for name in columns)]


def test_the_readme_explains_every_reason() -> None:
    explained = set(re.findall(r"`([A-Z][A-Za-z]+)`", README))
    assert {str(reason) for reason in Reason} - explained == {"AllReplicasReady"}


def specs(text: str) -> list[dict[str, Any]]:
    """The specs, whole or in part, that a document shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    shown = [item for block in blocks for item in yaml.safe_load_all(block)]
    return [item["spec"] for item in shown if item.get("kind", KIND) == KIND]


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.stem for path in DOCUMENTS])
def test_every_spec_that_a_guide_shows_is_valid(path: Path) -> None:
    for spec in specs(path.read_text(encoding="utf-8")):
        whole = {"model": {"type": "faq-matching"}, **spec}
        metadata = {"name": "shown"}
        resource = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": whole}
        assert render(ScoringService.parse(resource), Platform())


@pytest.mark.parametrize("path", LINKING, ids=[str(path.name) for path in LINKING])
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", path.read_text(encoding="utf-8"))  # code has no links
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", text):
        linked = (path.parent / target) if target else path
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{target}#{anchor}"


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", text.lower()).replace(" ", "-") for text in headings}


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
        assert named
        assert named <= targets, name


def test_every_decision_is_listed() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("[0-9]*.md"):
        assert f"({path.name})" in index
