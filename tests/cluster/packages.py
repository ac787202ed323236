"""Programs from Debian packages: found, installed where that is possible, or asked for by name."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.cluster import console
from tests.cluster.errors import ClusterError

# Administrators' folders, which a user's PATH may lack.
_EXTRA_PATH = "/usr/local/sbin:/usr/sbin:/sbin"

# Debian's folder for CNI plugins, and the one that their own releases and other distributions use.
_CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))

# Program -> Debian package, for a node and for building images.
NODE_PROGRAMS = {
    "runc": "runc",
    "cni:ptp": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
}
IMAGE_PROGRAMS = {"buildah": "buildah", "debootstrap": "debootstrap", "unshare": "util-linux"}


def find(program: str) -> Path | None:
    """Return where a program (``cni:NAME`` for a CNI plugin) lies, or None."""
    if program.startswith("cni:"):
        plugins = (folder / program.removeprefix("cni:") for folder in _CNI_FOLDERS)
        return next((plugin for plugin in plugins if plugin.exists()), None)
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_EXTRA_PATH}")
    return Path(found) if found else None


def missing(programs: dict[str, str]) -> list[str]:
    """Return the packages that hold the programs that are not here."""
    return sorted({package for program, package in programs.items() if find(program) is None})


def ensure(programs: dict[str, str]) -> None:
    """Install what is missing with apt-get, or raise ``ClusterError`` naming the packages."""
    lacking = missing(programs)
    if not lacking:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ClusterError(
            f"these packages are missing: {' '.join(lacking)} (names as in Debian); install them, "
            "or run as root on Debian or Ubuntu, where this is done for you"
        )
    with console.step(f"installing {' '.join(lacking)}"):
        _apt_get(["update"])
        _apt_get(["install", "--yes", "--no-install-recommends", *lacking])
    if lacking := missing(programs):
        raise ClusterError(f"still missing after the installation: {' '.join(lacking)}")


def _apt_get(arguments: Iterable[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "--quiet", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
