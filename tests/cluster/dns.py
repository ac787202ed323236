"""CoreDNS: the names of Services and pods, for the pods.

It is a process beside the API server, not a pod: its Service has no selector, and the one endpoint
is written here. Names outside the cluster do not exist, as pods do not reach what they would name.
"""

import ipaddress
from pathlib import Path

from tests.cluster import build
from tests.cluster.api import ApiClient
from tests.cluster.controlplane import component_kubeconfig
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState
from tests.cluster.units import write_unit

DOMAIN = "cluster.local"

_NAME = "coredns"
_SERVICE = "kube-dns"  # the name under which every cluster has it, whatever serves it
_NAMESPACE = "/namespaces/kube-system"
_PORTS = (
    {"name": "dns", "port": 53, "protocol": "UDP"},
    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
)
_READ = ["list", "watch"]


def service_address(state: ClusterState) -> str:
    """Return the name service's cluster address: by custom the tenth."""
    return str(ipaddress.ip_network(state.services)[10])


def corefile(state: ClusterState, kubeconfig: Path) -> str:
    """Return CoreDNS's configuration."""
    return f"""\
{DOMAIN} in-addr.arpa {{
    bind {state.address}
    errors
    cache 5
    kubernetes {{
        kubeconfig {kubeconfig} {state.context}
    }}
}}
. {{
    bind {state.address}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def manifests(state: ClusterState) -> dict[str, dict[str, object]]:
    """Return path -> object: what CoreDNS may read, and the Service that pods ask."""
    rbac, metadata = "rbac.authorization.k8s.io", {"name": f"system:{_NAME}"}
    in_system = {"name": _SERVICE, "namespace": "kube-system"}
    return {
        f"/apis/{rbac}/v1/clusterroles/system:{_NAME}": {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [
                {"apiGroups": [""], "resources": ["services", "namespaces"], "verbs": _READ},
                {
                    "apiGroups": ["discovery.k8s.io"],
                    "resources": ["endpointslices"],
                    "verbs": _READ,
                },
            ],
        },
        f"/apis/{rbac}/v1/clusterrolebindings/system:{_NAME}": {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", **metadata},
            "subjects": [{"apiGroup": rbac, "kind": "User", **metadata}],
        },
        f"/api/v1{_NAMESPACE}/services/{_SERVICE}": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": in_system,
            "spec": {"clusterIP": service_address(state), "ports": list(_PORTS)},
        },
        f"/apis/discovery.k8s.io/v1{_NAMESPACE}/endpointslices/{_SERVICE}": {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**in_system, "labels": {"kubernetes.io/service-name": _SERVICE}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [state.address], "conditions": {"ready": True}}],
            "ports": list(_PORTS),
        },
    }


def start(paths: ClusterPaths, state: ClusterState, api: ApiClient) -> None:
    """Start CoreDNS and make its Service."""
    for path, manifest in manifests(state).items():
        api.apply(path, manifest)
    configuration = paths.configuration / "Corefile"
    configuration.write_text(corefile(state, component_kubeconfig(paths, _NAME)))
    binary = build.ensure(build.COREDNS) / _NAME
    write_unit(paths, _NAME, [str(binary), "-conf", str(configuration)])
