"""The mount namespace of a node: where containerd and the kubelet write to fixed paths."""

import subprocess
from pathlib import Path

from tests.cluster.paths import ClusterPaths

KUBELET_ROOT = Path("/var/lib/kubelet")

# Kernel settings of the whole machine that the kubelet insists on. It gets a private file with the
# value it wants to see over each, so that the machine keeps its own.
_KUBELET_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def prepare(paths: ClusterPaths) -> None:
    """Give this mount namespace, which must be private already, its own ``/run`` and ``/var``.

    What is written there is kept in memory and goes with the namespace. The cluster's own folder
    stays what it is, wherever it lies. The kubelet gets its own copies of kernel settings.
    """
    _mount("-t", "tmpfs", "-o", "mode=755", "scoring-run", "/run")
    scratch = Path("/run/scoring")
    root, upper, work = scratch / "root", scratch / "upper", scratch / "work"
    for folder in (root, upper, work):
        folder.mkdir(parents=True)
    _mount("--bind", paths.root, root)
    layers = f"lowerdir=/var,upperdir={upper},workdir={work}"
    _mount("-t", "overlay", "-o", layers, "scoring-var", "/var")
    _mount("--bind", root, paths.root)
    # The kubelet makes sockets below its folder, so its path must be short; its files are the pods'
    # volumes, so they belong on disk.
    kubelet = paths.data / "kubelet"
    for folder in (kubelet, KUBELET_ROOT):
        folder.mkdir(parents=True, exist_ok=True)
    _mount("--bind", kubelet, KUBELET_ROOT)

    _hide_name_service(scratch)
    for name, value in _KUBELET_SETTINGS.items():
        real = Path("/proc/sys", name)
        if real.exists():
            file = scratch / name.replace("/", ".")
            file.write_text(f"{value}\n")
            _mount("--bind", file, real)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")  # of this network namespace alone
    # Volumes that pods share with the node need mounts to travel, in this namespace alone.
    _mount("--make-rshared", "/")


def _hide_name_service(scratch: Path) -> None:
    """Let look-ups of names fail at once: no name service can be reached from here."""
    real = Path("/etc/resolv.conf").resolve()
    if not real.exists():  # it was a link into /run, which is another one now
        real.parent.mkdir(parents=True, exist_ok=True)
        real.touch()
    file = scratch / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\noptions attempts:1\n")
    _mount("--bind", file, real)
