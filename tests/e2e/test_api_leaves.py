"""Every leaf of the spec on the real API server: what it changes in which child, as stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scoring_operator.manifests import CHILD_KINDS
from tests.cluster.fixtures import Cluster
from tests.controller.manifests.leaves import ROWS, Children, Row, by_kind
from tests.controller.manifests.leaves.exposed import HOST
from tests.e2e import real_crds
from tests.e2e.api import Api, audited, call, eventually
from tests.e2e.conftest import unused_namespace
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.e2e.settled import wait_until_settled
from tests.reliability.figures import record

pytestmark = pytest.mark.api


@pytest.fixture(scope="module")
def crowd(api: Api) -> Iterator[str]:
    """A namespace with a service for each row, on a cluster that serves every kind of child."""
    with real_crds.installed(api):
        namespace = unused_namespace()
        api.create_namespace(namespace)
        for number, row in enumerate(ROWS):
            api.create(scoring_service(namespace, name(number), **of_row(number, row.spec)))
        yield namespace
        api.request("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.fixture(scope="module")
def serving(
    api_cluster: Cluster, crowd: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """One operator for all rows."""
    log = tmp_path_factory.mktemp("leaves") / "log"
    arguments = ("--namespace", crowd, "--no-leader-election")
    with OperatorProcess(api_cluster.kubeconfig, log, *arguments) as process:
        yield process


def name(number: int) -> str:
    return f"row-{number}"


def of_row(number: int, value: Any) -> Any:
    """The value with a host of the row's own: no two services may have the same."""
    if isinstance(value, dict):
        return {key: of_row(number, item) for key, item in value.items()}
    if isinstance(value, list):
        return [of_row(number, item) for item in value]
    return f"{name(number)}.example.com" if value == HOST else value


def stored(api: Api, namespace: str) -> dict[str, Children]:
    """The stored children by the name of their service."""
    children: dict[str, list[Any]] = {}
    for kind in CHILD_KINDS:
        for item in api.list(kind.kind, namespace):
            (owner,) = item["metadata"].get("ownerReferences") or [{"name": ""}]
            # Items of a list say no kind.
            children.setdefault(owner["name"], []).append({**item, "kind": kind.kind})
    return {owner: by_kind(items, owner) for owner, items in children.items()}


def wait_for_looks(operator: OperatorProcess) -> None:
    looks = "scoring_operator_reconcile_total"
    eventually(lambda: operator.metric(looks) >= len(ROWS), "each row is looked at", 180, pause=0.2)


@pytest.fixture(scope="module")
def settled(api: Api, crowd: str, serving: OperatorProcess) -> dict[str, Children]:
    """What is stored once the operator has nothing more to do."""
    wait_for_looks(serving)
    wait_until_settled(api, crowd, serving)
    wait_for_quiet(serving, 2, 180)
    return stored(api, crowd)


def reaches(number: int, row: Row, settled: dict[str, Children]) -> bool:
    """Whether the row's value is where it should be."""
    return bool(row.look(settled[name(number)]) == of_row(number, row.expected))


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=[row.name for row in ROWS])
def test_a_leaf_of_the_spec_reaches_the_stored_child(
    number: int, row: Row, settled: dict[str, Children]
) -> None:
    assert reaches(number, row, settled)


def test_no_leaf_of_the_spec_is_without_effect(settled: dict[str, Children]) -> None:
    lost = [row.name for number, row in enumerate(ROWS) if not reaches(number, row, settled)]
    assert not lost
    leaves = len({row.leaf for row in ROWS})  # all of the schema: test_render.py
    record("R4", "leaves in the stored children", f"{leaves} of {leaves}, {len(ROWS)} values")


def test_no_child_is_found_different_from_what_was_applied_and_no_later_look_writes(
    api_cluster: Cluster,
    crowd: str,
    serving: OperatorProcess,
    settled: dict[str, Children],
    audit_log: Path,
    tmp_path: Path,
) -> None:
    refused = [row.name for n, row in enumerate(ROWS) if "Deployment" not in settled[name(n)]]
    assert not refused
    told = [line["message"] for line in serving.logged() if "stored with another" in str(line)]
    assert not told, "the API server stores what is rendered, field by field"
    offset = audit_log.stat().st_size
    serving.stop()
    arguments = ("--namespace", crowd, "--no-leader-election")
    with OperatorProcess(api_cluster.kubeconfig, tmp_path / "log", *arguments) as another:
        wait_for_looks(another)
        wait_for_quiet(another, 1)
    calls = [call(event) for event in audited(audit_log, offset, namespace=crowd)]
    assert not [made for made in calls if not made.startswith(("get ", "list "))]
