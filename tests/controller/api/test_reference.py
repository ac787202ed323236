"""docs/reference.md: generated, current, and complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scoring_operator.api.crd import custom_resource_definition
from scoring_operator.api.reference import to_markdown
from scoring_operator.cli import main

REPOSITORY = Path(__file__).parents[3]
Schema = dict[str, Any]


def fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every field below an object, in the form of the CRD: spec.imagePullSecrets[].name."""
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[]")
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")


def all_fields() -> list[tuple[str, Schema]]:
    (version,) = custom_resource_definition()["spec"]["versions"]
    root = version["schema"]["openAPIV3Schema"]["properties"]
    return [item for name in ("spec", "status") for item in fields(root[name], name)]


def rows() -> dict[str, list[str]]:
    """The cells of every row by its field's full path."""
    found, section = {}, ""
    for line in to_markdown().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif match := re.match(r"\| \[?`([^`]+)`", line):
            cells = re.split(r"(?<!\\) \| ", line.strip("| "))
            found[f"{section}.{match[1]}"] = cells
    return found


def test_the_committed_reference_is_the_generated_one() -> None:
    assert (REPOSITORY / "docs" / "reference.md").read_text() == to_markdown(), "run `make crd`"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference"]) == 0
    assert capsys.readouterr().out == to_markdown()


def test_every_field_has_a_row_with_its_text_bounds_and_default() -> None:
    table = rows()
    for path, schema in all_fields():
        row = " | ".join(table[path])
        assert schema["description"].replace("|", r"\|") in row, path
        for value in schema.get("enum", ()):
            assert f"`{value}`" in row, path
        # The length of what is a number or the word auto says nothing.
        if schema.get("x-kubernetes-int-or-string") and "pattern" not in schema:
            continue
        for bound in ("minimum", "maximum", "maxLength", "maxItems", "maxProperties"):
            assert str(schema.get(bound, "")) in row, path
        if schema.get("default") not in (None, {}):
            text = f"`{schema['default']}`"
            assert text in row or text.lower() in row, path


def test_no_row_is_about_a_field_that_does_not_exist() -> None:
    known = {path for path, _ in all_fields()}
    assert {path for path in rows() if path.startswith(("spec", "status"))} <= known


def test_every_rule_is_told() -> None:
    text = to_markdown()

    def rules(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (rule["message"] for rule in node.get("x-kubernetes-validations", ()))
            for child in node.values():
                yield from rules(child)

    (version,) = custom_resource_definition()["spec"]["versions"]
    messages = list(rules(version["schema"]["openAPIV3Schema"]))
    assert len(messages) > 20
    for message in messages:
        assert message in text, message


def test_links_lead_to_headings() -> None:
    text = to_markdown()
    headings = {
        re.sub(r"[^a-z0-9_-]", "", line.removeprefix("## ").lower().replace(" ", "-"))
        for line in text.splitlines()
        if line.startswith("## ")
    }
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(links) > 10
    assert links <= headings
