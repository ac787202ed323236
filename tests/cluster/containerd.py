"""containerd on the node: its configuration, its network plugins, and images brought into it."""

import json
import platform
import subprocess
from pathlib import Path

from tests.cluster import archives, build, processes
from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState

_CAP_SYS_RESOURCE = 24


def configuration(paths: ClusterPaths, runc: Path, cni_plugins: Path) -> str:
    """Return containerd's configuration file."""
    network_configuration = paths.configuration / "cni"
    restricted = json.dumps(not _has_capability(_CAP_SYS_RESOURCE))
    return f"""\
version = 3
root = "{paths.data / "containerd"}"
state = "/run/containerd"

[grpc]
address = "{paths.containerd_socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{paths.data / "containerd-opt"}"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{archives.PAUSE_IMAGE}"

[plugins."io.containerd.cri.v1.runtime"]
# Without the capability to lower it, setting a pod's OOM score fails, and with it every pod.
restrict_oom_score_adj = {restricted}
tolerate_missing_hugetlb_controller = true
# A profile would be loaded into the kernel, outside every namespace, and stay there.
disable_apparmor = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{cni_plugins}"]
conf_dir = "{network_configuration}"

[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
"""


def network_configuration(paths: ClusterPaths, state: ClusterState) -> dict[str, object]:
    """Return the pods' network: a link of its own for every pod, routed by the node.

    Not a bridge: between two pods on a bridge, a Service's answers bypass the node's address
    translation unless the kernel module br_netfilter is there.
    """
    assert state.network is not None
    return {
        "cniVersion": "1.0.0",
        "name": "scoring",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": state.network.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(paths.data / "cni"),
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def write_configuration(
    paths: ClusterPaths, state: ClusterState, runc: Path, cni_plugins: Path
) -> Path:
    """Write the configuration files and return containerd's."""
    folder = paths.configuration / "cni"
    folder.mkdir()
    networks = json.dumps(network_configuration(paths, state), indent=1)
    (folder / "10-scoring.conflist").write_text(networks)
    file = paths.configuration / "containerd.toml"
    file.write_text(configuration(paths, runc, cni_plugins))
    return file


def ctr(paths: ClusterPaths, *arguments: str) -> str:
    """Run containerd's client in the node's namespaces, on the kubelet's images and containers."""
    supervisor = processes.supervisor(paths)
    if supervisor is None:
        raise ClusterError("the node does not run")
    done = subprocess.run(
        [
            *("nsenter", f"--target={supervisor.pid}", "--mount", "--net", "--pid"),
            str(build.ensure(build.CONTAINERD) / "ctr"),
            *(f"--address={paths.containerd_socket}", "--namespace=k8s.io", *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"ctr {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout


def load_image(paths: ClusterPaths, archive: Path, reference: str | None = None) -> list[str]:
    """Bring an image archive onto the node; return the names that pods can use.

    ``reference`` names the image anew; without it the archive's own names are taken.
    """
    if not archive.is_file():
        raise ClusterError(f"there is no file {archive}")
    names = archives.image_names(archive)
    if reference is None and not names:
        raise ClusterError(f"{archive} names no image; give a name with --as")
    references = [reference] if reference else names
    for name in references:
        ctr(paths, "images", "import", "--local", f"--index-name={name}", str(archive.absolute()))
    known = set(ctr(paths, "images", "list", "--quiet").split())
    if lacking := [name for name in references if name not in known]:
        raise ClusterError(f"the image was imported, but not as {', '.join(lacking)}")
    return references


def load_pause_image(paths: ClusterPaths) -> None:
    """Bring the image of the pods' sandboxes onto the node."""
    archive = paths.data / "pause.tar"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    archives.write_pause_image(build.ensure(build.PAUSE) / "pause", archive, machine)
    load_image(paths, archive)


def _has_capability(number: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return True
