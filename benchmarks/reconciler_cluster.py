"""Where the operator is measured: a fresh control plane, a login of its own, the operator."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.reconciler_machine import Others
from tests.cluster.fixtures import embedded_cluster
from tests.e2e.api import Api
from tests.e2e.conftest import install_crd
from tests.e2e.process import OperatorProcess

NAMESPACE = "scale"
_ACCOUNT = "operator"
# A simulated node has 32 CPUs, and each pod asks for half a CPU; room for a roll-out's extra pods.
_PODS_PER_NODE = 50


@dataclass(frozen=True)
class Place:
    """A cluster with the CRD and an empty namespace.

    Attributes:
        api: as the cluster's owner, who makes the resources.
        login: the kubeconfig of a ServiceAccount that may do everything. Unlike the owner's, its
            requests are subject to the API server's priority and fairness.
    """

    api: Api
    login: Path
    audit_log: Path
    folder: Path
    name: str

    def others(self) -> Others:
        """What the machine does besides this, from now on."""
        return Others(self.name, str(self.login))

    def operator(self, *arguments: str) -> OperatorProcess:
        """An operator for the whole cluster, to be entered."""
        log = self.folder / f"operator-{time.time_ns()}.log"
        scope = ("--all-namespaces", "--no-leader-election", "--log-level", "warning")
        return OperatorProcess(self.login, log, *scope, *arguments)


@contextlib.contextmanager
def place(folder: Path, pods: int = 0, *, brisk: bool = False) -> Iterator[Place]:
    """A cluster for as long as the block runs, with simulated nodes for so many pods.

    Unless it is brisk, controllers ask as seldom as by Kubernetes' defaults.
    """
    nodes = -(-pods // _PODS_PER_NODE)
    with embedded_cluster(
        "scale",
        "fake" if nodes else "none",
        fake_nodes=nodes,
        brisk=brisk,
    ) as cluster:
        assert cluster.audit_log is not None
        api = Api(cluster.kubeconfig)
        install_crd(api)
        api.create_namespace(NAMESPACE)
        login = _login(api, cluster.kubeconfig, folder / "kubeconfig")
        yield Place(api, login, cluster.audit_log, folder, cluster.name)


def _login(api: Api, owner: Path, file: Path) -> Path:
    """A kubeconfig with a token of a ServiceAccount."""
    account: dict[str, Any] = {"name": _ACCOUNT, "namespace": NAMESPACE}
    accounts = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    api.request("POST", accounts, {"metadata": account})
    api.request(
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": _ACCOUNT},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{"kind": "ServiceAccount", **account}],
        },
    )
    request = {"spec": {"expirationSeconds": 7200}}
    token = api.request("POST", f"{accounts}/{_ACCOUNT}/token", request)["status"]["token"]
    config = yaml.safe_load(owner.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config))
    return file
