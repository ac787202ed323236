"""What is rendered for the examples, and for services with every feature, finds no critic."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring_operator.api import KIND, ScoringService
from scoring_operator.manifests import Platform, render
from tests.cluster import build
from tests.cluster.fixtures import Cluster
from tests.e2e import real_crds, schemas
from tests.e2e.api import Api, Object, eventually
from tests.e2e.conftest import unused_namespace
from tests.e2e.featured import featured
from tests.reliability.figures import record

pytestmark = pytest.mark.api

EXAMPLES = Path(__file__).parents[2] / "examples"
TOOLS = build.Target(
    name="quality",
    module=str(Path(__file__).with_name("quality")),
    packages=(
        "github.com/yannh/kubeconform/cmd/kubeconform",
        "github.com/zegl/kube-score/cmd/kube-score",
    ),
)
# What kube-score finds wrong, and why it is not.
IGNORED = {
    "container-image-pull-policy": "the platform's choice; IfNotPresent lets a pod start while the"
    " registry is away, and Always would be no safer: images are named by who installs",
    "container-ephemeral-storage-request-and-limit": "the containers write no disk: their root is"
    " read-only, /tmp is memory, and the volume of a download has a size limit",
    "deployment-has-host-podantiaffinity": "pods are spread by topologySpreadConstraints, which"
    " the check does not know",
}
# The same, where the author of the resource wants a single pod.
IGNORED_FOR_ONE_POD = {
    "deployment-replicas": "one pod is what was asked for",
    "horizontalpodautoscaler-replicas": "one pod is what was asked for",
    "deployment-has-poddisruptionbudget": "a budget for one pod would block every drain",
}
# On by request only.
FURTHER_CHECKS = ("container-seccomp-profile", "container-ports-check")


@dataclass(frozen=True)
class Case:
    """A service and where it is from."""

    name: str
    service: Object


def cases() -> list[Case]:
    examples = [
        Case(f"{path.stem}: {document['metadata']['name']}", document)
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if document and document["kind"] == KIND
    ]
    return examples + [Case(item["metadata"]["name"], item) for item in featured("default")]


CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def parsed(case: Case, namespace: str) -> ScoringService:
    metadata = {**case.service["metadata"], "namespace": namespace, "uid": "0a1b"}
    return ScoringService.parse({**case.service, "metadata": metadata})


def manifests(case: Case, namespace: str = "default") -> list[Object]:
    return render(parsed(case, namespace), Platform())


def stream(documents: Iterable[Object]) -> str:
    """A stream of documents; in JSON, since YAML's plain y and n are texts to Python alone."""
    return "\n---\n".join(map(json.dumps, documents))


@cache
def tool(name: str) -> str:
    return str(build.ensure(TOOLS) / name)


@pytest.fixture(scope="module")
def every_kind(api: Api) -> Iterator[None]:
    """The optional kinds are served too."""
    with real_crds.installed(api):
        yield


@pytest.fixture(scope="module")
def restricted(api: Api, api_cluster: Cluster, every_kind: None) -> Iterator[str]:
    """A namespace for `restricted` pods alone, with what pods of the cases refer to."""
    namespace = unused_namespace()
    prefix = "pod-security.kubernetes.io"
    labels = {f"{prefix}/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    api.create_namespace(namespace, labels)
    referred = list(_referred(namespace))
    api_cluster.kubectl("apply", "--filename", "-", stdin=stream(referred))
    yield namespace
    api.request("DELETE", f"/api/v1/namespaces/{namespace}")
    api_cluster.kubectl(
        *("delete", "--ignore-not-found", "--filename", "-"),
        stdin=stream(item for item in referred if "namespace" not in item["metadata"]),
    )


def _referred(namespace: str) -> Iterator[Object]:
    for case in CASES:
        template = case.service["spec"].get("podTemplate", {})
        if name := template.get("serviceAccountName"):
            metadata = {"name": name, "namespace": namespace}
            yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        if name := template.get("priorityClassName"):
            kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
            yield {**kind, "metadata": {"name": name}, "value": 1000}
        if name := template.get("runtimeClassName"):
            kind = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass"}
            yield {**kind, "metadata": {"name": name}, "handler": "runc"}


@each_case
def test_every_object_is_admitted_as_restricted_without_a_warning(
    case: Case, restricted: str, api_cluster: Cluster
) -> None:
    documents = manifests(case, restricted)
    template = next(item for item in documents if item["kind"] == "Deployment")["spec"]["template"]
    metadata = {**template["metadata"], "name": "pod", "namespace": restricted}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    done = subprocess.run(
        [
            *(api_cluster.kubectl_command, "--kubeconfig", str(api_cluster.kubeconfig)),
            *("apply", "--server-side", "--dry-run=server", "--filename", "-"),
        ],
        input=stream([*documents, pod]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # kubectl's own remarks, such as that a discovery was slow, are none of the API server's.
    assert not [line for line in done.stderr.splitlines() if "Warning" in line]
    assert len(done.stdout.splitlines()) == len(documents) + 1


@pytest.fixture(scope="module")
def schema_folder(api: Api, every_kind: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Schemas of this API server."""
    folder = tmp_path_factory.mktemp("schemas")
    eventually(lambda: schemas.is_published(api), "every kind is described", 120, pause=0.5)
    schemas.write(api, folder)
    return folder


def conform(documents: list[Object], folder: Path) -> tuple[int, str]:
    command = [tool("kubeconform"), "-strict", "-summary", "-output", "json"]
    done = subprocess.run(
        [*command, "-schema-location", f"{folder}/{schemas.LOCATION}", "-"],
        input=stream(documents),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@each_case
def test_every_object_conforms_to_the_servers_own_schema(case: Case, schema_folder: Path) -> None:
    documents = manifests(case)
    code, told = conform(documents, schema_folder)
    assert code == 0, told
    assert json.loads(told)["summary"]["valid"] == len(documents)


def test_all_that_is_rendered_conforms(schema_folder: Path) -> None:
    documents = [manifest for case in CASES for manifest in manifests(case)]
    code, told = conform(documents, schema_folder)
    assert code == 0, told
    assert json.loads(told)["summary"]["valid"] == len(documents)
    record("X3", "kubeconform --strict", f"{len(documents)} objects of {len(CASES)} services: 0")


@pytest.mark.parametrize("kind", sorted({m["kind"] for case in CASES for m in manifests(case)}))
def test_a_field_that_the_server_does_not_know_would_be_told(
    kind: str, schema_folder: Path
) -> None:
    document = next(m for case in CASES for m in manifests(case) if m["kind"] == kind)
    document["spec"]["surprise"] = True
    code, told = conform([document], schema_folder)
    assert code == 1
    assert "surprise" in told


def findings(documents: list[Object]) -> dict[str, Any]:
    """What kube-score finds, by the name of its check."""
    command = [
        tool("kube-score"),
        "score",
        "--output-format",
        "json",
        "--ignore-container-cpu-limit",
    ]
    further = [part for check in FURTHER_CHECKS for part in ("--enable-optional-test", check)]
    done = subprocess.run(
        [*command, *further, "--kubernetes-version", "v1.36", "-"],
        input=stream(documents),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return {
        check["check"]["id"]: check["comments"]
        for scored in json.loads(done.stdout)
        for check in scored["checks"]
        if not check["skipped"] and check["grade"] < 10
    }


@each_case
def test_kube_score_finds_nothing(case: Case) -> None:
    found = findings(manifests(case))
    assert not {check: told for check, told in found.items() if check not in ignored(case)}


def ignored(case: Case) -> set[str]:
    alone = parsed(case, "default").spec.fewest_replicas < 2
    return {*IGNORED, *(IGNORED_FOR_ONE_POD if alone else ())}


def test_nothing_is_ignored_that_is_not_found() -> None:
    found = {case.name: findings(manifests(case)).keys() for case in CASES}
    left = {case.name: found[case.name] - ignored(case) for case in CASES}
    assert not any(left.values()), left
    skipped = {check for checks in found.values() for check in checks}
    assert skipped >= {*IGNORED, *IGNORED_FOR_ONE_POD}
    figure = f"{len(CASES)} services: 0 findings, {len(skipped)} kinds skipped with a reason"
    record("X3", "kube-score", figure)
