"""The control plane: etcd, API server, controller manager, scheduler. Needs no root."""

import json
from pathlib import Path

from tests.cluster import certs
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState

PORTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# A node has a network namespace of its own, in which the customary ports are free.
CUSTOMARY_PORTS = {
    "etcd": 2379,
    "kube-apiserver": 6443,
    "kube-controller-manager": 10257,
    "kube-scheduler": 10259,
    "metrics-server": 4443,
}

# Clients of the API server, each with a certificate: name of the files -> (user, groups).
CLIENTS = {
    "admin": ("scoring-admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kube-proxy": ("system:kube-proxy", ()),
    "metrics-server": ("system:metrics-server", ()),
    "coredns": ("system:coredns", ()),
    "kwok": ("system:kwok", ("system:masters",)),
    "kubelet-client": ("kube-apiserver-kubelet-client", ("system:masters",)),
    "etcd-client": ("kube-apiserver-etcd-client", ()),
}


def audit_policy() -> dict[str, object]:
    """Return the audit policy: who did what to which object, Kubernetes' own parts aside."""
    components = [user for name, (user, _) in CLIENTS.items() if name != "admin"]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "users": ["system:apiserver", "system:anonymous", *components]},
            {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
            {"level": "None", "nonResourceURLs": ["*"]},  # health checks and discovery
            {"level": "Metadata"},
        ],
    }


def prepare(paths: ClusterPaths, state: ClusterState) -> None:
    """Write certificates, kubeconfigs and the audit policy."""
    pki = paths.certificates
    authority = certs.Authority(pki, "ca")
    clients = dict(CLIENTS)
    clients["kubelet"] = (f"system:node:{state.node_name}", ("system:nodes",))
    for name, (user, groups) in clients.items():
        authority.issue(name, user, groups)
    service = "kubernetes.default.svc"
    authority.issue(
        "apiserver",
        "kube-apiserver",
        hosts=(
            "kubernetes",
            "kubernetes.default",
            service,
            f"{service}.cluster.local",
            "localhost",
        ),
        addresses=tuple(dict.fromkeys((state.address, "127.0.0.1", state.kubernetes_service))),
    )
    authority.issue("etcd", "etcd", hosts=("localhost",), addresses=("127.0.0.1",))
    authority.issue("metrics", "metrics-server", hosts=("metrics-server.kube-system.svc",))
    certs.Authority(pki, "front-proxy-ca").issue("front-proxy", "front-proxy")
    certs.signing_key(pki, "service-account")

    for name in (*clients, "admin"):
        target = paths.kubeconfig if name == "admin" else component_kubeconfig(paths, name)
        certs.write_kubeconfig(target, state.context, state.server, pki, name)
    (paths.configuration / "audit-policy.yaml").write_text(json.dumps(audit_policy(), indent=1))


def component_kubeconfig(paths: ClusterPaths, name: str) -> Path:
    """Return the path of a component's own kubeconfig."""
    return paths.configuration / f"{name}.kubeconfig"


def etcd(paths: ClusterPaths, state: ClusterState, binaries: Path) -> list[str]:
    """Return etcd's command line: one member, TLS, data that need not survive a power cut."""
    pki = paths.certificates
    url = f"https://127.0.0.1:{state.ports['etcd']}"
    return [
        str(binaries / "etcd"),
        "--name=default",
        f"--data-dir={paths.data / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        "--client-cert-auth",
        f"--trusted-ca-file={pki / 'ca.crt'}",
        f"--cert-file={pki / 'etcd.crt'}",
        f"--key-file={pki / 'etcd.key'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(paths: ClusterPaths, state: ClusterState, binaries: Path) -> list[str]:
    """Return the API server's command line."""
    pki = paths.certificates
    command = [
        str(binaries / "kube-apiserver"),
        f"--bind-address={state.address}",
        f"--secure-port={state.ports['kube-apiserver']}",
        f"--advertise-address={state.address}",
        f"--service-cluster-ip-range={state.services}",
        f"--etcd-servers=https://127.0.0.1:{state.ports['etcd']}",
        f"--etcd-cafile={pki / 'ca.crt'}",
        f"--etcd-certfile={pki / 'etcd-client.crt'}",
        f"--etcd-keyfile={pki / 'etcd-client.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki / 'service-account.pub'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy.key'}",
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={paths.configuration / 'audit-policy.yaml'}",
        f"--audit-log-path={paths.audit_log}",
        "--audit-log-maxsize=200",
        "--audit-log-maxbackup=1",
        "--profiling=false",
    ]
    if state.network is None:
        # The address is loopback, which no Service can have as its endpoint: leave it out.
        command.append("--endpoint-reconciler-type=none")
    return command


def controller_manager(paths: ClusterPaths, state: ClusterState, binaries: Path) -> list[str]:
    """Return the controller manager's command line; every controller has its own RBAC identity."""
    pki = paths.certificates
    name = "kube-controller-manager"
    command = [
        str(binaries / name),
        *_client_flags(paths, state, name),
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki / 'service-account.key'}",
        f"--root-ca-file={pki / 'ca.crt'}",
        f"--cluster-signing-cert-file={pki / 'ca.crt'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
    ]
    if state.request.brisk:
        command += [
            # Each controller asks for a token as it starts: at the default of 20 requests a second
            # that takes five seconds.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            # Tests wait for the autoscaler: two seconds, not fifteen.
            "--horizontal-pod-autoscaler-sync-period=2s",
        ]
    return command


def scheduler(paths: ClusterPaths, state: ClusterState, binaries: Path) -> list[str]:
    """Return the scheduler's command line."""
    name = "kube-scheduler"
    return [str(binaries / name), *_client_flags(paths, state, name)]


def _client_flags(paths: ClusterPaths, state: ClusterState, name: str) -> list[str]:
    kubeconfig = component_kubeconfig(paths, name)
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={state.ports[name]}",
        "--leader-elect=false",
        "--profiling=false",
    ]
