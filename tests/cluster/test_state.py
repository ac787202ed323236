"""What is asked of a cluster is checked, and what was picked for it is read back."""

from pathlib import Path
from typing import Any

import pytest

from tests.cluster import certs, controlplane
from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState, Network, Request

_NETWORK = Network("10.200.0.0/20", "10.200.0.0/22", "10.200.8.0/21", "10.200.4.1", "10.200.4.2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nodes": "fake"}, "needs --fake-nodes"),
        ({"nodes": "real", "fake_nodes": 1}, "is for --nodes fake"),
        ({"nodes": "none", "gpus_per_node": 1}, "needs nodes"),
        ({"nodes": "fake", "fake_nodes": -1}, "cannot be negative"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        Request("x", **options)


@pytest.mark.parametrize("where", [None, _NETWORK])
def test_a_state_is_read_back_as_it_was_written(tmp_path: Path, where: Network | None) -> None:
    paths = ClusterPaths(tmp_path)
    request = Request("x", "fake", fake_nodes=2, gpus_per_node=4)
    state = ClusterState(request, "v1.2.3", {"kube-apiserver": 6443}, where, owned=True)
    state.save(paths)
    assert ClusterState.load(paths) == state


@pytest.mark.parametrize("content", ["", "{", "{}", '{"request": 1}', "[]"])
def test_a_state_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    paths = ClusterPaths(tmp_path)
    assert ClusterState.load(paths) is None
    paths.state.write_text(content)
    assert ClusterState.load(paths) is None


def test_the_api_server_of_a_cluster_without_real_node_is_on_the_loopback_address() -> None:
    state = ClusterState(Request("x"), "v1.2.3", {"kube-apiserver": 20001})
    assert state.server == "https://127.0.0.1:20001"
    assert state.kubernetes_service == "10.96.0.1"


def test_with_a_real_node_it_is_where_pods_and_this_machine_reach_it() -> None:
    ports = controlplane.CUSTOMARY_PORTS
    state = ClusterState(Request("x", "real"), "v1.2.3", ports, _NETWORK)
    assert state.server == "https://10.200.4.2:6443"
    assert state.kubernetes_service == "10.200.0.1"


def test_users_and_groups_are_what_kubernetes_reads_from_a_certificate() -> None:
    assert certs.subject("system:node:n", ["system:nodes"]) == "/O=system:nodes/CN=system:node:n"
    assert certs.alternative_names(["localhost"], ["127.0.0.1"]) == (
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
    )
    assert certs.alternative_names([], []) == ""


def test_the_audit_policy_keeps_the_operators_calls_and_drops_kubernetes_own() -> None:
    rules: Any = controlplane.audit_policy()["rules"]
    dropped = {user for rule in rules for user in rule.get("users", ()) if rule["level"] == "None"}
    assert "system:kube-controller-manager" in dropped
    assert "scoring-admin" not in dropped
    assert rules[-1] == {"level": "Metadata"}
