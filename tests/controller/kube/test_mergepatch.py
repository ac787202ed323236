"""Merge patches lead from the old to the new document, and say no more than that."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring_operator.kube.mergepatch import merge_patch

Json = dict[str, Any]


def apply_patch(document: Any, patch: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_patch(result.get(key), value)
    return result


scalars = st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["", "x"]))
documents = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.one_of(scalars, st.lists(scalars, max_size=2)),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


@given(documents, documents)
def test_the_patch_makes_the_new_of_the_old(old: Json, new: Json) -> None:
    assert apply_patch(old, merge_patch(old, new)) == new


@given(documents)
def test_nothing_changed_is_an_empty_patch(document: Json) -> None:
    assert merge_patch(document, document) == {}


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": 1}, {}, {"a": None}),
    ],
)
def test_the_patch_is_the_smallest(old: Json, new: Json, patch: Json) -> None:
    assert merge_patch(old, new) == patch
