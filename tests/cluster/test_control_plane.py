"""The control plane as tests see it: it works, and it is a production API server's behaviour."""

import json
import subprocess
import time

import pytest

from tests.cluster.fixtures import Cluster

pytestmark = pytest.mark.api

_DEADLINE_SECONDS = 30.0

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
    if api_cluster.audit_log is None:
        pytest.skip("a cluster of the user's keeps its audit log to itself")
    api_cluster.kubectl("create", "configmap", "audited", "--from-literal=key=value")
    api_cluster.kubectl("delete", "configmap", "audited")
    events = [json.loads(line) for line in api_cluster.audit_log.read_text().splitlines()]
    writes = [
        (event["verb"], event["user"]["username"])
        for event in events
        if event["objectRef"].get("name") == "audited"
    ]
    assert ("create", "scoring-admin") in writes
    assert ("delete", "scoring-admin") in writes
    assert not [e for e in events if e["user"]["username"].startswith("system:kube-")]
