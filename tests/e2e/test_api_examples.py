"""Every example is admitted by a real API server without a warning, and gets its children."""

from __future__ import annotations

import functools
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml

from scoring_operator.api import KIND, ScoringService
from scoring_operator.manifests import Platform, render
from scoring_operator.manifests.kinds import CHILD_KINDS
from tests.e2e.api import PATHS, Api, Object, Refused, eventually
from tests.e2e.process import OperatorProcess

pytestmark = pytest.mark.api

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])


def services(path: Path, namespace: str) -> list[Object]:
    """The ScoringServices of a file, put into a namespace."""
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    found = [document for document in documents if document and document["kind"] == KIND]
    for service in found:
        service["metadata"]["namespace"] = namespace
    return found


def children(api: Api, service: Object) -> set[tuple[str, str]]:
    """Kind and name of what the resource owns, of the kinds that every cluster serves."""
    namespace, uid = service["metadata"]["namespace"], service["metadata"]["uid"]
    found = set()
    for kind in CHILD_KINDS:
        if kind.optional:
            continue
        root = "apis" if "/" in kind.api_version else "api"
        listed = api.request(
            "GET", f"/{root}/{kind.api_version}/namespaces/{namespace}/{kind.plural}"
        )
        for item in listed["items"]:
            owners = [owner["uid"] for owner in item["metadata"].get("ownerReferences", ())]
            if owners == [uid]:
                found.add((kind.kind, item["metadata"]["name"]))
    return found


def wanted(service: Object) -> set[tuple[str, str]]:
    optional = {kind.kind for kind in CHILD_KINDS if kind.optional}
    rendered = render(ScoringService.parse(service), Platform())
    named = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered}
    return {(kind, name) for kind, name in named if kind not in optional}


def has_all_children(api: Api, service: Object) -> bool:
    return children(api, service) == wanted(service)


@each_example
def test_an_example_is_admitted_without_unknown_fields(
    path: Path, api: Api, namespace: str
) -> None:
    query = urlencode({"dryRun": "All", "fieldValidation": "Strict"})
    found = services(path, namespace)
    assert found
    for service in found:
        api.request("POST", f"{PATHS[KIND].format(namespace)}?{query}", service)


def test_a_misspelt_field_would_be_noticed(api: Api, namespace: str) -> None:
    (service,) = services(EXAMPLES[0], namespace)
    service["spec"]["replica"] = 2
    query = urlencode({"dryRun": "All", "fieldValidation": "Strict"})
    with pytest.raises(Refused, match="unknown field"):
        api.request("POST", f"{PATHS[KIND].format(namespace)}?{query}", service)


@each_example
def test_an_example_becomes_its_children(
    path: Path, api: Api, namespace: str, operator: OperatorProcess
) -> None:
    assert operator.is_ready()
    for service in services(path, namespace):
        created = api.create(service)
        complete = functools.partial(has_all_children, api, created)
        eventually(complete, f"{path.stem} has {wanted(created)}")
