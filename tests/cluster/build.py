"""Builds Kubernetes, containerd and their tools from Go modules, once for each content."""

import dataclasses
import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.cluster import console, golang
from tests.cluster.errors import ClusterError
from tests.cluster.locks import exclusive
from tests.cluster.paths import HERE, cache_root
from tests.cluster.streaming import follow

_DOWNLOADING = "go: downloading "
_PACKAGE = re.compile(r"[\w.~/-]+")


@dataclasses.dataclass(frozen=True)
class Target:
    """Commands that are built together, from packages of a Go module in a folder here.

    Their version is the one at which go.mod pins the module ``version_of``; ``files`` are files of
    that module that the commands need at run time.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    version_of: str = ""
    version_variables: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the Go module."""
        return HERE / self.module


COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "metrics-server",
    "kubectl",
)

_COMPONENT_VERSION = "k8s.io/component-base/version"

# One module holds Kubernetes, CoreDNS, kwok and helm, so that all share one set of dependencies:
# what the first has compiled, the others take from Go's build cache (all add a minute to it).
KUBERNETES = Target(
    name="kubernetes",
    module="kubernetes",
    packages=(".",),
    version_of="k8s.io/kubernetes",
    version_variables=(
        (f"{_COMPONENT_VERSION}.gitVersion", "{version}"),
        (f"{_COMPONENT_VERSION}.gitMajor", "{major}"),
        (f"{_COMPONENT_VERSION}.gitMinor", "{minor}"),
    ),
    links=COMPONENTS,
)
PAUSE = Target(name="pause", module="kubernetes", packages=("./pause",))
COREDNS = Target(name="coredns", module="kubernetes", packages=("./coredns",))
KWOK = Target(
    name="kwok",
    module="kubernetes",
    packages=("sigs.k8s.io/kwok/cmd/kwok",),
    version_of="sigs.k8s.io/kwok",
    version_variables=(("sigs.k8s.io/kwok/pkg/consts.Version", "{version}"),),
    files=tuple(
        f"kustomize/stage/{stage}.yaml"
        for stage in (
            "node/fast/node-initialize",
            "node/heartbeat-with-lease/node-heartbeat-with-lease",
            "pod/fast/pod-ready",
            "pod/fast/pod-complete",
            "pod/fast/pod-delete",
        )
    ),
)
HELM = Target(
    name="helm",
    module="kubernetes",
    packages=("helm.sh/helm/v4/cmd/helm",),
    version_of="helm.sh/helm/v4",
    version_variables=(("helm.sh/helm/v4/internal/version.version", "{version}"),),
)
CONTAINERD = Target(
    name="containerd",
    module="containerd",
    packages=tuple(
        f"github.com/containerd/containerd/v2/cmd/{command}"
        for command in ("containerd", "containerd-shim-runc-v2", "ctr")
    ),
    version_of="github.com/containerd/containerd/v2",
    version_variables=(("github.com/containerd/containerd/v2/version.Version", "{version}"),),
)
TARGETS = {target.name: target for target in (KUBERNETES, PAUSE, COREDNS, KWOK, HELM, CONTAINERD)}


def module_version(target: Target) -> str:
    """Return the version at which the target's go.mod pins ``version_of``, such as ``v1.36.3``."""
    text = (target.folder / "go.mod").read_text()
    found = re.search(rf"^\s*{re.escape(target.version_of)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise ClusterError(f"{target.folder / 'go.mod'} does not require {target.version_of}")
    return found.group(1)


def linker_flags(target: Target) -> str:
    """Return ``-ldflags``: no symbol table, and the version variables set."""
    flags = ["-s", "-w"]
    if target.version_of:
        version = module_version(target)
        major, minor = version.removeprefix("v").split(".")[:2]
        flags += [
            f"-X {variable}={value.format(version=version, major=major, minor=minor)}"
            for variable, value in target.version_variables
        ]
    return " ".join(flags)


def content_key(target: Target, go_version: str) -> str:
    """Return a hash of all that decides what is built: sources, pins, flags, compiler, machine."""
    digest = hashlib.sha256()
    facts = (
        target.packages,
        target.links,
        target.files,
        linker_flags(target),
        go_version,
        platform.machine(),
    )
    digest.update(repr(facts).encode())
    sources = [target.folder / "go.mod", target.folder / "go.sum"]
    sources += sorted(target.folder.rglob("*.go"))
    for source in sources:
        digest.update(f"\0{source.relative_to(target.folder)}\0".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def ensure(target: Target) -> Path:
    """Return the folder with the target's commands, building them where the cache lacks them."""
    if platform.system() != "Linux":
        raise ClusterError(
            "the embedded Kubernetes runs on Linux only; elsewhere use kind, minikube or another "
            "cluster of yours by its context"
        )
    toolchain = golang.find()
    folder = cache_root() / "bin" / target.name / content_key(target, toolchain.version)
    if folder.is_dir():
        return folder
    with exclusive(folder.parent / "lock", f"the build of {target.name}"):
        if not folder.is_dir():
            title = f"building {target.name} {module_version(target) if target.version_of else ''}"
            with console.step(title.strip()):
                _build(target, toolchain, folder)
    return folder


def _build(target: Target, toolchain: golang.Toolchain, folder: Path) -> None:
    for leftover in folder.parent.glob("unfinished-*"):  # we hold the lock: nobody is at these
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    total = len(_list(toolchain, target, "-deps", *target.packages))
    flags = ["-trimpath", "-ldflags", linker_flags(target), "-o", f"{unfinished}/"]
    _compile(toolchain, target, [*flags, *target.packages], total)
    for link in target.links:
        (unfinished / link).symlink_to(target.name)
    if target.files:
        (sources,) = _list(toolchain, target, "-m", "-f", "{{.Dir}}", target.version_of)
        for file in target.files:
            shutil.copy(Path(sources, file), unfinished)
    unfinished.chmod(0o755)
    unfinished.rename(folder)


def _list(toolchain: golang.Toolchain, target: Target, *arguments: str) -> list[str]:
    """Return the words that ``go list`` prints, downloading modules first where need be."""
    progress = console.Progress(target.name)
    words: list[str] = []
    said: list[str] = []
    downloaded = 0

    def show(line: str) -> None:
        nonlocal downloaded
        said.append(line)
        if line.startswith("go: "):
            downloaded += line.startswith(_DOWNLOADING)
            progress.update(f"{downloaded} modules downloaded")
        else:
            words.extend(line.split())

    _go(toolchain, target, ["list", *arguments], show, said)
    progress.done()
    return words


def _compile(toolchain: golang.Toolchain, target: Target, arguments: list[str], total: int) -> None:
    """Run ``go build -v``, which names each package that it compiles."""
    progress = console.Progress(target.name)
    said: list[str] = []
    compiled = 0

    def show(line: str) -> None:
        nonlocal compiled
        if _PACKAGE.fullmatch(line.strip()):
            compiled += 1
        elif not line.startswith(_DOWNLOADING):
            said.append(line)
        progress.update(f"{compiled} packages compiled of at most {total}")

    _go(toolchain, target, ["build", "-v", *arguments], show, said)
    progress.done()


def _go(
    toolchain: golang.Toolchain,
    target: Target,
    arguments: list[str],
    show: Callable[[str], None],
    said: list[str],
) -> None:
    # At a lower priority, so that the machine stays usable meanwhile.
    command = ["nice", "-n", "5", str(toolchain.command), *arguments]
    if follow(command, show, cwd=target.folder, env=golang.environment()) != 0:
        raise ClusterError(f"go {arguments[0]} of {target.name} failed:\n{''.join(said[-30:])}")


def search_path(*folders: Path) -> str:
    """Return ``PATH`` with ``folders`` before what is there."""
    return os.pathsep.join([*map(str, folders), os.environ.get("PATH", "/usr/bin:/bin")])
