"""The CRD: equal to the models, structural, and bounded everywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring_operator.api.crd import custom_resource_definition, to_yaml

REPOSITORY = Path(__file__).parents[3]
Schema = dict[str, Any]


def version() -> dict[str, Any]:
    (only,) = custom_resource_definition()["spec"]["versions"]
    assert isinstance(only, dict)
    return only


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from walk(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


def nodes() -> list[tuple[str, Schema]]:
    return list(walk(version()["schema"]["openAPIV3Schema"]))


@pytest.mark.parametrize(
    "file", ["crds/scoringservices.yaml", "charts/scoring-operator/files/scoringservices.yaml"]
)
def test_the_committed_crd_is_the_generated_one(file: str) -> None:
    assert (REPOSITORY / file).read_text() == to_yaml(), "run `make crd`"


def test_every_node_has_a_type_and_every_field_a_description() -> None:
    for path, schema in nodes():
        assert "type" in schema or schema.get("x-kubernetes-int-or-string"), path
        is_field = path.startswith((".spec", ".status")) and not path.endswith(("[]", "{}"))
        assert not is_field or schema.get("description"), path


def test_every_string_list_map_and_number_is_bounded() -> None:
    for path, schema in nodes():
        kind = schema.get("type")
        if kind == "string":
            assert "maxLength" in schema or "enum" in schema, path
        elif kind == "array":
            assert "maxItems" in schema, path
        elif kind == "integer":
            assert "minimum" in schema, path
            assert "maximum" in schema, path
        elif kind == "object" and "additionalProperties" in schema:
            assert "maxProperties" in schema, path


def test_nothing_is_left_that_a_structural_schema_forbids() -> None:
    text = to_yaml()
    for keyword in ("$ref", "$defs", "title:", "propertyNames", "type: 'null'", "const:"):
        assert keyword not in text
    for path, schema in nodes():
        assert schema.get("additionalProperties") is not False, path


def test_the_crd_is_small_enough_for_client_side_apply() -> None:
    # kubectl keeps the last applied form in an annotation of at most 256 KiB.
    assert len(yaml.safe_dump(custom_resource_definition())) < 200_000


def test_status_and_scale_are_subresources() -> None:
    assert version()["subresources"]["status"] == {}
    assert version()["subresources"]["scale"]["specReplicasPath"] == ".spec.replicas"


def test_the_table_shows_what_a_person_asks_first() -> None:
    columns = [column["name"] for column in version()["additionalPrinterColumns"]]
    assert columns[:8] == [
        "Model",
        "Hardware",
        "Ready",
        "Reason",
        "Replicas",
        "Available",
        "URL",
        "Age",
    ]
