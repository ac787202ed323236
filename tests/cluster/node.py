"""The real node: containerd, kubelet and kube-proxy. Needs root on Linux."""

import dataclasses
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster import build, console, containerd, dns, metrics, mounts, packages
from tests.cluster.api import ApiClient, wait_until
from tests.cluster.controlplane import component_kubeconfig
from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState
from tests.cluster.units import write_unit

_START_SECONDS = 120.0


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where the node's programs lie: containerd's folder, runc, the folder of the CNI plugins."""

    containerd: Path
    runc: Path
    cni_plugins: Path


def why_not_here() -> str | None:
    """Return why no real node can run on this machine, or None where one can."""
    if platform.system() != "Linux":
        return f"it needs Linux, and this is {platform.system()}"
    if os.geteuid() != 0:
        return "it needs root (namespaces, cgroups, mounts)"
    return None


def check_machine() -> None:
    """Raise ``ClusterError`` where no real node can run."""
    if reason := why_not_here():
        raise ClusterError(
            f"a real node cannot run here: {reason}. Run this as root (sudo), "
            "or take --nodes fake or --nodes none, which need no rights"
        )


def build_tools() -> Tools:
    """Find, install or build what the node needs beside Kubernetes."""
    packages.ensure(packages.NODE_PROGRAMS)
    runc, plugin = packages.find("runc"), packages.find("cni:ptp")
    assert runc is not None
    assert plugin is not None
    for target in (build.PAUSE, build.COREDNS):
        build.ensure(target)
    return Tools(build.ensure(build.CONTAINERD), runc, plugin.parent)


def kubelet_configuration(paths: ClusterPaths, state: ClusterState) -> dict[str, Any]:
    """Return the kubelet's configuration file."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(paths.certificates / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{paths.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [dns.service_address(state)],
        "clusterDomain": dns.DOMAIN,
        "resolvConf": str(paths.configuration / "resolv.conf"),
        "podLogsDir": str(paths.logs / "pods"),
        # How often a pod's volumes are brought up to date: a changed Secret arrives within it.
        "syncFrequency": "10s",
        "volumePluginDir": str(paths.data / "volume-plugins"),
        "serializeImagePulls": False,
        # The machine's disk is not the node's to judge, and images come from no registry: one that
        # is deleted to make room cannot be pulled again.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def start(
    paths: ClusterPaths,
    state: ClusterState,
    api: ApiClient,
    binaries: Path,
    tools: Tools,
    check: Callable[[], None],
) -> None:
    """Start the node and wait until it is Ready."""
    with console.step("starting the node"):
        configuration = containerd.write_configuration(paths, state, tools.runc, tools.cni_plugins)
        command = [str(tools.containerd / "containerd"), f"--config={configuration}"]
        write_unit(paths, "containerd", command)
        wait_until(lambda: _answers(paths), "containerd answers", _START_SECONDS, check)
        containerd.load_pause_image(paths)
        _write_kubelet_files(paths, state)
        write_unit(paths, "kubelet", _kubelet(paths, state, binaries))
        write_unit(paths, "kube-proxy", _kube_proxy(paths, state, binaries))
        dns.start(paths, state, api)
        metrics.start(paths, state, api, binaries)
        path = f"/api/v1/nodes/{state.node_name}"
        wait_until(lambda: _is_ready(api, path), "the node is Ready", _START_SECONDS, check)
        if state.request.gpus_per_node:
            set_gpus(api, state.node_name, state.request.gpus_per_node)


def set_gpus(api: ApiClient, node_name: str, count: int) -> None:
    """Give the node GPUs in name only: the scheduler counts them, no device appears in a pod."""
    gpus = {"nvidia.com/gpu": str(count)}
    patch = {"status": {"capacity": gpus, "allocatable": gpus}}
    path = f"/api/v1/nodes/{node_name}/status"
    api.request("PATCH", path, patch, "application/merge-patch+json")


def _answers(paths: ClusterPaths) -> bool:
    try:
        containerd.ctr(paths, "version")
    except ClusterError:
        return False
    return True


def _is_ready(api: ApiClient, path: str) -> bool:
    if not api.succeeds(path):
        return False
    conditions = api.get(path)["status"].get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _write_kubelet_files(paths: ClusterPaths, state: ClusterState) -> None:
    (paths.logs / "pods").mkdir()
    # For pods that ask the node's own name service: there is none, and asking must fail at once.
    (paths.configuration / "resolv.conf").write_text("nameserver 127.0.0.1\noptions attempts:1\n")
    configuration = json.dumps(kubelet_configuration(paths, state), indent=1)
    (paths.configuration / "kubelet.yaml").write_text(configuration)


def _kubelet(paths: ClusterPaths, state: ClusterState, binaries: Path) -> list[str]:
    return [
        str(binaries / "kubelet"),
        f"--config={paths.configuration / 'kubelet.yaml'}",
        f"--kubeconfig={component_kubeconfig(paths, 'kubelet')}",
        f"--root-dir={mounts.KUBELET_ROOT}",
        f"--cert-dir={mounts.KUBELET_ROOT / 'pki'}",
        f"--hostname-override={state.node_name}",
        f"--node-ip={state.address}",
    ]


def _kube_proxy(paths: ClusterPaths, state: ClusterState, binaries: Path) -> list[str]:
    assert state.network is not None
    return [
        str(binaries / "kube-proxy"),
        f"--kubeconfig={component_kubeconfig(paths, 'kube-proxy')}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={state.network.pods}",
        f"--hostname-override={state.node_name}",
        # Zero leaves the machine's own limits alone.
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
    ]
