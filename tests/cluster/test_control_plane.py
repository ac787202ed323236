"""The control plane as tests see it: it works, and it is a production API server's behaviour."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import audit_lines, eventually

pytestmark = pytest.mark.api

_DEADLINE_SECONDS = 90.0

_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "localhost/none:1"}]},
        },
    },
}


def test_a_deployment_gets_its_pods_from_the_controllers(api_cluster: Cluster) -> None:
    api_cluster.kubectl("create", "namespace", "controllers-work")
    api_cluster.kubectl("apply", "-n", "controllers-work", "-f", "-", stdin=json.dumps(_DEPLOYMENT))
    deadline = time.monotonic() + _DEADLINE_SECONDS
    names: list[str] = []
    while len(names) != 2:
        assert time.monotonic() < deadline, "the pods were not created"
        names = api_cluster.kubectl(
            "get", "pods", "-n", "controllers-work", "-l", "app=web", "-o", "name"
        ).split()
        time.sleep(0.2)
    api_cluster.kubectl("delete", "namespace", "controllers-work")


def test_pod_security_admission_refuses_what_a_namespace_forbids(api_cluster: Cluster) -> None:
    api_cluster.kubectl("create", "namespace", "restricted")
    label = "pod-security.kubernetes.io/enforce=restricted"
    api_cluster.kubectl("label", "namespace", "restricted", label)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "c", "image": "localhost/none:1"}]},
    }
    with pytest.raises(subprocess.CalledProcessError) as refused:
        api_cluster.kubectl("create", "-n", "restricted", "-f", "-", stdin=json.dumps(pod))
    assert 'violates PodSecurity "restricted' in refused.value.stderr
    api_cluster.kubectl("delete", "namespace", "restricted")


def test_a_service_account_may_do_nothing_unless_a_role_says_so(api_cluster: Cluster) -> None:
    answer = subprocess.run(
        [
            *(api_cluster.kubectl_command, "--kubeconfig", str(api_cluster.kubeconfig)),
            *("auth", "can-i", "list", "pods", "--as=system:serviceaccount:default:default"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout.strip() == "no"


def test_the_audit_log_has_a_line_for_a_write(api_cluster: Cluster) -> None:
    log = api_cluster.audit_log
    if log is None:
        pytest.skip("a cluster of the user's keeps its audit log to itself")
    api_cluster.kubectl("create", "configmap", "audited", "--from-literal=key=value")
    api_cluster.kubectl("delete", "configmap", "audited")
    wanted = {("create", "scoring-admin"), ("delete", "scoring-admin")}
    # A line may be written after its answer was read.
    eventually(lambda: wanted <= _audited(log), "both writes are logged")
    events = audit_lines(log)
    assert not [e for e in events if e["user"]["username"].startswith("system:kube-")]


def _audited(log: Path) -> set[tuple[str, str]]:
    """Verb and user of the calls about the object of the test."""
    return {
        (event["verb"], event["user"]["username"])
        for event in audit_lines(log)
        if event["objectRef"].get("name") == "audited"
    }
