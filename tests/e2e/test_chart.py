"""The chart: admitted as `restricted`, and its rights are enough for the operator, and no more."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scoring_operator import cli
from scoring_operator.manifests import CHILD_KINDS, Platform
from tests.cluster import build
from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, Object, audit_lines, condition, eventually
from tests.e2e.conftest import unused_namespace
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.reliability.figures import record

CHART = Path(__file__).parents[2] / "charts" / "scoring-operator"
RELEASE = "chart-test"

pytestmark = pytest.mark.api


@pytest.fixture(scope="module")
def helm(api_cluster: Cluster) -> str:
    if not api_cluster.is_embedded:
        pytest.skip("reads the audit log of the embedded control plane")
    return str(build.ensure(build.HELM) / "helm")


def rendered(helm: str, namespace: str, *settings: str) -> list[Object]:
    values = [part for setting in settings for part in ("--set", setting)]
    command = [helm, "template", RELEASE, str(CHART), "--namespace", namespace, *values]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def apply(cluster: Cluster, documents: list[Object]) -> None:
    text = yaml.safe_dump_all(documents)
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=text)


@pytest.fixture
def home(api: Api, api_cluster: Cluster) -> Iterator[str]:
    """The operator's own namespace, which refuses what is not `restricted`."""
    name = unused_namespace()
    api.create_namespace(name, {"pod-security.kubernetes.io/enforce": "restricted"})
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")
    kinds = "clusterroles,clusterrolebindings"
    api_cluster.kubectl("delete", kinds, RELEASE, "--ignore-not-found")


def may(cluster: Cluster, namespace: str, verb: str, resource: str, where: str) -> str:
    """`yes` or `no`: whether the chart's ServiceAccount has the right."""
    done = subprocess.run(
        [
            *(cluster.kubectl_command, "--kubeconfig", str(cluster.kubeconfig)),
            *("auth", "can-i", verb, resource, "--namespace", where),
            f"--as=system:serviceaccount:{namespace}:{RELEASE}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() in ("yes", "no"), f"{verb} {resource}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def wait_for_rights(cluster: Cluster, namespace: str, watched: str) -> None:
    """Wait until the API server has taken the roles in: that takes a moment."""
    rights = (("list", "scoringservices.scoring.dev", watched), ("create", "leases", namespace))
    eventually(
        lambda: {may(cluster, namespace, *right) for right in rights} == {"yes"},
        f"it has its rights: {rights}",
        pause=0.2,
    )


def log_in(cluster: Cluster, namespace: str, folder: Path) -> Path:
    """A kubeconfig for the chart's ServiceAccount, as a pod's token would give it."""
    token = cluster.kubectl("create", "token", RELEASE, "--namespace", namespace).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def test_helm_finds_no_fault(helm: str) -> None:
    done = subprocess.run(
        [helm, "lint", "--strict", str(CHART)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    record("X3", "helm lint --strict", "0 findings")


def test_an_unknown_value_is_refused(helm: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as raised:
        rendered(helm, "default", "replica=3")
    assert "replica" in raised.value.stderr


def test_the_platforms_defaults_reach_the_operator(helm: str) -> None:
    """Each in the notation that the command line reads."""
    tolerations = [
        {"key": "dedicated", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    ]
    defaults = {
        "cpuImage": "r.example.com/cpu:1",
        "gpuImage": "r.example.com/gpu:1",
        "imagePullPolicy": "Always",
        "imagePullSecrets": ["regcred"],
        "privateModelUrls": "never",
        "ingressClass": "nginx",
        "waitForIngressAddress": False,
        "podMonitorLabels": {"release": "prometheus", "tier": ""},
        "gpuNodeSelector": {"example.com/gpu": "h100"},
        "gpuTolerations": tolerations,
    }
    command = [
        helm,
        "template",
        RELEASE,
        str(CHART),
        "--set-json",
        json.dumps({"defaults": defaults}),
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    deployment = next(item for item in yaml.safe_load_all(text) if item["kind"] == "Deployment")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    options = cli._parser({}).parse_args(arguments)
    assert cli._settings(options).platform == Platform(
        cpu_image="r.example.com/cpu:1",
        gpu_image="r.example.com/gpu:1",
        image_pull_policy="Always",
        image_pull_secrets=("regcred",),
        private_model_urls="never",
        ingress_class="nginx",
        wait_for_ingress_address=False,
        pod_monitor_labels={"release": "prometheus", "tier": ""},
        gpu_node_selector={"example.com/gpu": "h100"},
        gpu_tolerations=tuple(tolerations),
    )


def test_the_pods_are_restricted_and_everything_is_accepted_without_a_warning(
    helm: str, api_cluster: Cluster, home: str
) -> None:
    documents = rendered(helm, home)
    deployment = next(item for item in documents if item["kind"] == "Deployment")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "operator", "namespace": home},
        "spec": {**deployment["spec"]["template"]["spec"], "serviceAccountName": "default"},
    }
    done = subprocess.run(
        [
            *(api_cluster.kubectl_command, "--kubeconfig", str(api_cluster.kubeconfig)),
            *("apply", "--server-side", "--dry-run=server", "--filename", "-"),
        ],
        input=yaml.safe_dump_all([*documents, pod]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    record("X1", "the operator", "the chart's objects and its pod: admitted, 0 warnings")


def test_without_the_crd_nothing_cluster_scoped_is_needed_in_named_namespaces(helm: str) -> None:
    documents = rendered(helm, "home", "watchNamespaces={a,b}", "crd.install=false")
    assert not [item["kind"] for item in documents if item["kind"].startswith("Cluster")]
    roles = [item["metadata"]["namespace"] for item in documents if item["kind"] == "Role"]
    assert sorted(roles) == ["a", "b", "home"]


@pytest.mark.parametrize("clusterwide", [True, False], ids=["clusterwide", "namespaced"])
def test_the_charts_rights_are_enough_and_all_of_them_are_used(
    clusterwide: bool,
    helm: str,
    api: Api,
    api_cluster: Cluster,
    home: str,
    namespace: str,
    tmp_path: Path,
) -> None:
    settings = [] if clusterwide else [f"watchNamespaces={{{namespace}}}"]
    documents = rendered(helm, home, *settings)
    apply(api_cluster, [item for item in documents if item["kind"] != "Deployment"])
    kubeconfig = log_in(api_cluster, home, tmp_path)
    wait_for_rights(api_cluster, home, namespace)
    assert api_cluster.audit_log is not None
    start = api_cluster.audit_log.stat().st_size
    spaces = ("--all-namespaces",) if clusterwide else ("--namespace", namespace)
    lease = ("--lease-name", RELEASE, "--lease-namespace", home)
    with OperatorProcess(kubeconfig, tmp_path / "log", *spaces, *lease) as operator:
        eventually(operator.leads, "the operator leads")
        exercise(api, namespace, operator)
        wait_for_quiet(operator)
    events = [event for event in audit_lines(api_cluster.audit_log, start) if is_ours(event, home)]
    # By RBAC, that is: a namespace of an earlier test that is ending refuses new objects as well.
    decision = "authorization.k8s.io/decision"
    forbidden = [e for e in events if e.get("annotations", {}).get(decision) == "forbid"]
    assert not forbidden, [event["requestURI"] for event in forbidden]
    rights = granted(documents)
    unused = rights - used(events)
    assert unused <= ALLOWED_UNUSED
    record(
        "X2",
        f"rights of the chart, {'clusterwide' if clusterwide else 'namespaced'}",
        f"0 too few; {len(rights)} granted, {len(rights) - len(unused)} seen in the audit log,"
        f" {len(unused)} for what this cluster lacks or the log calls otherwise",
    )


_CHILDREN = [
    (kind.api_version.rpartition("/")[0], kind.plural, kind.optional) for kind in CHILD_KINDS
]
_VERBS = ("get", "list", "watch", "create", "patch", "delete")
# Server-side apply of an object that is not there yet is authorized as its creation, too, but the
# audit log has it as a patch.
ALLOWED_UNUSED = {(group, plural, "create") for group, plural, _ in _CHILDREN}
# Rights for situations that this test does not bring about: the end of the two children that are
# always wanted, and what comes with software that this cluster lacks.
ALLOWED_UNUSED |= {
    ("apps", "deployments", "delete"),
    ("", "services", "delete"),
    *(
        (group, plural, verb)
        for group, plural, optional in _CHILDREN
        if optional
        for verb in _VERBS
    ),
}


def exercise(api: Api, namespace: str, operator: OperatorProcess) -> None:
    """A service comes, changes, is harmed, and goes."""
    api.create(scoring_service(namespace))
    eventually(lambda: api.find("Deployment", namespace, "faq"), "the Deployment exists")
    api.patch("ScoringService", namespace, "faq", {"spec": {"replicas": 2}})
    eventually(
        lambda: api.get("Deployment", namespace, "faq")["spec"]["replicas"] == 2, "it is changed"
    )
    api.delete("Service", namespace, "faq")
    eventually(lambda: api.find("Service", namespace, "faq"), "the Service is back")
    everything = {
        "replicas": None,
        "autoscaling": {"minReplicas": 2, "maxReplicas": 3},
        "auth": {"apiKeys": {"secretName": "keys"}},
        "exposure": {"host": f"{namespace}.example.com"},
    }
    optional = ("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress")
    api.patch("ScoringService", namespace, "faq", {"spec": everything})
    eventually(lambda: all(api.find(k, namespace, "faq") for k in optional), "all are there")
    api.create(scoring_service(namespace, "rival", exposure=everything["exposure"]))
    eventually(
        lambda: (
            condition(api.get("ScoringService", namespace, "rival"), "Ready").get("reason")
            == "HostConflict"
        ),
        "a trouble is told, with an Event",
    )
    wait_for_quiet(operator)  # the keys are looked for once the children are there
    nothing = {**dict.fromkeys(everything), "networkPolicy": {"enabled": False}}
    api.patch("ScoringService", namespace, "faq", {"spec": nothing})
    eventually(lambda: not any(api.find(k, namespace, "faq") for k in optional), "all are gone")


def is_ours(event: Object, home: str) -> bool:
    user = event.get("user", {}).get("username", "")
    return bool(user == f"system:serviceaccount:{home}:{RELEASE}")


def used(events: list[Object]) -> set[tuple[str, str, str]]:
    found = set()
    for event in events:
        reference = event.get("objectRef")
        if reference is not None and "resource" in reference:
            parts = [reference["resource"], reference.get("subresource", "")]
            resource = "/".join(part for part in parts if part)
            found.add((reference.get("apiGroup", ""), resource, event["verb"]))
    return found


def granted(documents: list[Object]) -> set[tuple[str, str, str]]:
    rules = [rule for item in documents for rule in item.get("rules", ())]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_operators_account_can_do_nothing_else(
    helm: str, api_cluster: Cluster, home: str
) -> None:
    documents = rendered(helm, home)
    apply(api_cluster, [item for item in documents if item["kind"] != "Deployment"])
    wait_for_rights(api_cluster, home, home)
    probes = (
        ("create", "pods"),
        ("create", "pods/exec"),
        ("list", "secrets"),
        ("create", "clusterrolebindings"),
        ("escalate", "clusterroles"),
        ("bind", "clusterroles"),
        ("impersonate", "users"),
        ("create", "serviceaccounts/token"),
        ("update", "scoringservices"),
        ("patch", "scoringservices"),
        ("delete", "namespaces"),
    )
    for verb, resource in probes:
        assert may(api_cluster, home, verb, resource, "default") == "no", f"{verb} {resource}"
    record("X2", "attempts to escalate", f"{len(probes)} of {len(probes)} refused")
