"""metrics-server: CPU and memory of pods, for ``kubectl top`` and the HorizontalPodAutoscaler.

It is a process beside the API server, not a pod: its Service has no selector, and the one endpoint
is written here.
"""

import base64
from pathlib import Path

from tests.cluster.api import ApiClient
from tests.cluster.controlplane import component_kubeconfig
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState
from tests.cluster.units import write_unit

_USER = {
    "kind": "User",
    "apiGroup": "rbac.authorization.k8s.io",
    "name": "system:metrics-server",
}
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_NAME = "metrics-server"
_NAMESPACE = "/namespaces/kube-system"


def _role_reference(kind: str, name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


def manifests(state: ClusterState, authority: bytes) -> dict[str, dict[str, object]]:
    """Return path -> object: what metrics-server may do, and how the API server reaches it."""
    rbac, metadata = "rbac.authorization.k8s.io/v1", {"name": _NAME}
    in_system = {"name": _NAME, "namespace": "kube-system"}
    port = state.ports[_NAME]
    return {
        f"{_RBAC}/clusterroles/{_NAME}": {
            "apiVersion": rbac,
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [
                {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                {
                    "apiGroups": [""],
                    "resources": ["pods", "nodes", "namespaces", "configmaps"],
                    "verbs": ["get", "list", "watch"],
                },
            ],
        },
        f"{_RBAC}/clusterrolebindings/{_NAME}": {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": _role_reference("ClusterRole", _NAME),
            "subjects": [_USER],
        },
        f"{_RBAC}/clusterrolebindings/{_NAME}-delegator": {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{_NAME}-delegator"},
            "roleRef": _role_reference("ClusterRole", "system:auth-delegator"),
            "subjects": [_USER],
        },
        f"{_RBAC}{_NAMESPACE}/rolebindings/{_NAME}": {
            "apiVersion": rbac,
            "kind": "RoleBinding",
            "metadata": in_system,
            "roleRef": _role_reference("Role", "extension-apiserver-authentication-reader"),
            "subjects": [_USER],
        },
        f"/api/v1{_NAMESPACE}/services/{_NAME}": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": in_system,
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]},
        },
        f"/apis/discovery.k8s.io/v1{_NAMESPACE}/endpointslices/{_NAME}": {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**in_system, "labels": {"kubernetes.io/service-name": _NAME}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [state.address], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        },
        "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io": {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"name": _NAME, "namespace": "kube-system"},
                "caBundle": base64.b64encode(authority).decode(),
            },
        },
    }


def start(paths: ClusterPaths, state: ClusterState, api: ApiClient, binaries: Path) -> None:
    """Start metrics-server and register its API; its first figures come within half a minute."""
    kubeconfig = component_kubeconfig(paths, _NAME)
    command = [
        str(binaries / _NAME),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={state.address}",
        f"--secure-port={state.ports[_NAME]}",
        f"--tls-cert-file={paths.certificates / 'metrics.crt'}",
        f"--tls-private-key-file={paths.certificates / 'metrics.key'}",
        "--kubelet-insecure-tls",
        "--kubelet-preferred-address-types=InternalIP",
        # The resolution must exceed the time-out.
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    ]
    write_unit(paths, _NAME, command)
    for path, manifest in manifests(state, (paths.certificates / "ca.crt").read_bytes()).items():
        api.apply(path, manifest)
