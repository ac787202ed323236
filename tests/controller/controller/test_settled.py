"""What makes a sight another one, and what does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from scoring_operator.controller.objects import SCALE_MANAGER
from scoring_operator.controller.plan import name_of
from scoring_operator.controller.settled import sight_of
from scoring_operator.controller.store import child_of
from scoring_operator.manifests import Platform, render
from tests.controller.builders import resource, service

SERVED = {"Deployment", "Service"}
OWNER = {"uid": "u", "controller": True, "kind": "ScoringService", "name": "faq"}


def child() -> dict[str, Any]:
    found = next(item for item in render(service(), Platform()) if item["kind"] == "Deployment")
    found["metadata"] |= {"uid": "1", "resourceVersion": "7", "ownerReferences": [OWNER]}
    return found


def sight(
    of: dict[str, Any],
    *children: dict[str, Any],
    served: set[str] = SERVED,
    contested: bool = False,
) -> bytes:
    known = {name_of(item): child_of(item) for item in children}
    return sight_of(of, known, served, contested=contested)


def edited(obj: dict[str, Any], part: str, **change: Any) -> dict[str, Any]:
    found = copy.deepcopy(obj)
    found[part] = {**found.get(part, {}), **change}
    return found


def test_what_is_reported_is_no_part_of_it() -> None:
    reported = edited(edited(child(), "status", replicas=1), "metadata", resourceVersion="8")
    answered = edited(resource(), "status", replicas=1)
    assert sight(resource(), child()) == sight(answered, reported)


@pytest.mark.parametrize(
    "other",
    [
        sight(resource({"replicas": 7}), child()),
        sight(edited(resource(), "metadata", deletionTimestamp="2026-01-01T00:00:00Z"), child()),
        sight(resource()),
        sight(resource(), edited(child(), "spec", replicas=7)),
        sight(resource(), edited(child(), "metadata", uid="2")),
        sight(resource(), edited(child(), "metadata", labels={})),
        sight(resource(), edited(child(), "metadata", deletionTimestamp="2026-01-01T00:00:00Z")),
        sight(resource(), edited(child(), "metadata", ownerReferences=[])),
        sight(
            resource(),
            edited(
                child(),
                "metadata",
                managedFields=[
                    {
                        "manager": SCALE_MANAGER,
                        "operation": "Apply",
                        "fieldsV1": {"f:spec": {"f:replicas": {}}},
                    }
                ],
            ),
        ),
        sight(resource(), child(), served={"Deployment"}),
        sight(resource(), child(), contested=True),
    ],
    ids=[
        "spec",
        "going",
        "child gone",
        "child edited",
        "child made anew",
        "child stripped",
        "child going",
        "child orphaned",
        "replicas held",
        "kind gone",
        "host contested",
    ],
)
def test_all_that_plans_go_by_is_part_of_it(other: bytes) -> None:
    assert sight(resource(), child()) != other
