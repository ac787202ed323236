"""What a cluster has on this machine: the list that must be empty once it is down."""

import re
import subprocess
from pathlib import Path

from tests.cluster import cgroups, network, processes
from tests.cluster.paths import ClusterPaths

# What building images makes, once on a machine: another process may be doing that just now.
_OF_IMAGE_BUILDS = frozenset({"containers", "cni.lock"})
_PASSING = re.compile(r"^#|\bsc[0-9a-f]{8}\b")


def traces(paths: ClusterPaths) -> list[str]:
    """Return, in words, everything on the machine that belongs to the cluster."""
    found = [f"process {p.pid} {p.command}" for p in processes.marked(paths)]
    if paths.root.exists():
        found.append(f"folder {paths.root}")
    if network.is_connected(paths):
        found.append(f"link {network.link_name(paths)}")
    found += [f"cgroup {folder}" for folder in cgroups.existing(paths)]
    found += [f"mount {mount}" for mount in _mounts(paths)]
    return found


def machine_settings() -> dict[str, str]:
    """Return what a cluster must leave as it was: firewall, routes, namespaces, kernel settings."""
    settings = {
        "iptables": _output("iptables-save", "-t", "nat")
        + _output("iptables-save", "-t", "filter"),
        "routes": _output("ip", "-4", "route", "show"),
        "links": _output("ip", "-brief", "link"),
        "named namespaces": _output("ip", "netns", "list"),
    }
    for name in ("vm/overcommit_memory", "kernel/panic", "net/ipv4/ip_forward"):
        settings[name] = Path("/proc/sys", name).read_text()
    for folder in (
        "/opt",
        "/var/lib",
        "/var/log",
        "/etc/cni/net.d",
        "/run/containerd",
        "/run/netns",
    ):
        settings[folder] = _listing(Path(folder))
    return settings


def _listing(folder: Path) -> str:
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return "\n".join(sorted(names - _OF_IMAGE_BUILDS))


def _mounts(paths: ClusterPaths) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if str(paths.root) in line or "scoring-" in line]


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # iptables-save dates its output and counts packets; other clusters may come and go meanwhile.
    lines = [line for line in done.stdout.splitlines() if not _PASSING.search(line)]
    return "\n".join(line.split(" [")[0] for line in lines)
