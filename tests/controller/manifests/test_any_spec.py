"""Whatever spec the parser accepts can be rendered: a look must not fail at its own resource."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring_operator.api import InvalidResource
from scoring_operator.manifests import render
from tests.controller.builders import service
from tests.controller.manifests.leaves import ROWS, Row
from tests.controller.manifests.test_render import PLATFORM
from tests.faults.drawn import SPEC, values
from tests.faults.scenarios import filled

EXAMPLES = 20


def steps(leaf: str) -> list[str | int]:
    """The way to a leaf; of a list its first item."""
    found: list[str | int] = []
    for field in leaf.split("."):
        found += [field.removesuffix("[]"), *([0] if field.endswith("[]") else [])]
    return found


def schema_at(leaf: str) -> dict[str, Any]:
    schema: dict[str, Any] = SPEC
    for step in steps(leaf):
        schema = schema["properties"][step] if isinstance(step, str) else schema["items"]
    return schema


def at(spec: Any, way: list[str | int]) -> Any:
    for step in way:
        spec = spec[step]
    return spec


def sets_its_leaf(row: Row) -> bool:
    try:
        at(row.spec, steps(row.leaf))
    except LookupError:  # it is about the default
        return False
    return True


SET = [row for row in ROWS if sets_its_leaf(row)]


@pytest.mark.parametrize("row", SET, ids=[row.name for row in SET])
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_what_the_parser_accepts_can_be_rendered(row: Row, data: st.DataObject) -> None:
    *way, last = steps(row.leaf)
    name = last if isinstance(last, str) else str(way[-1])
    spec = deepcopy(dict(row.spec))
    at(spec, way)[last] = filled(data.draw(values(schema_at(row.leaf), name)), "faq")
    try:
        valid = service(spec)
    except InvalidResource:
        return
    render(valid, PLATFORM)
