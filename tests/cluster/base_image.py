"""The base image where no registry can be reached: Debian with Python, made by debootstrap once."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.cluster import console
from tests.cluster.errors import ClusterError
from tests.cluster.locks import exclusive
from tests.cluster.paths import cache_root
from tests.cluster.streaming import ISOLATED, follow

_SUITE = "bookworm"
_PACKAGES = ("python3", "python3-venv", "ca-certificates")
# What an image does not need: documentation, translations, logs, lists and archives of packages.
_SUPERFLUOUS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "var/cache/apt",
    "var/cache/debconf",
    "var/lib/apt/lists",
    "var/log",
)
# OpenSSL on Debian looks for authorities in this file, which the distribution leaves out, and in a
# folder of single certificates: with the link, one that is added to the bundle is found too.
_OPENSSL_BUNDLE = "usr/lib/ssl/cert.pem"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def key() -> str:
    """Return a hash of all that decides what is in the base image."""
    facts = (_SUITE, _PACKAGES, _SUPERFLUOUS, _OPENSSL_BUNDLE, mirror())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def mirror() -> str | None:
    """Return the Debian mirror to use: ``$SCORING_DEBIAN_MIRROR``; None for debootstrap's own."""
    return os.environ.get("SCORING_DEBIAN_MIRROR")


def tag() -> str:
    """Return the name of the base image in the local storage."""
    return f"localhost/scoring-base:{_SUITE}-{key()}"


def root_archive() -> Path:
    """Return the tar of the base image's files, making it where the cache lacks it."""
    archive = cache_root() / "images" / f"base-{key()}.tar"
    with exclusive(cache_root() / "locks" / "base-image", "the base image"):
        if not archive.exists():
            with console.step(f"making the base image (Debian {_SUITE}, {', '.join(_PACKAGES)})"):
                _make(archive)
    return archive


def _make(archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix="base-") as scratch:
        root = Path(scratch, "root")
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
        _debootstrap([*command, _SUITE, str(root), *filter(None, [mirror()])])
        _slim(root)
        unfinished = Path(scratch, "root.tar")
        reproducible = ["--sort=name", "--mtime=@0", "--numeric-owner"]
        tar = ["tar", "--create", "--file", str(unfinished), *reproducible, "-C", str(root), "."]
        subprocess.run(tar, check=True)
        unfinished.rename(archive)


def _debootstrap(command: list[str]) -> None:
    progress = console.Progress("debootstrap")
    said: list[str] = []

    def show(line: str) -> None:
        said.append(line)
        progress.update(line.strip().removeprefix("I: ")[:60])

    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    status = follow([*ISOLATED, *command], show, env=environment)
    progress.done()
    if status != 0:
        raise ClusterError(f"debootstrap failed:\n{''.join(said[-20:])}")


def _slim(root: Path) -> None:
    for name in _SUPERFLUOUS:
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    # apt refuses to work without this folder.
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)
    for cache in root.glob("usr/**/__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    bundle = root / _OPENSSL_BUNDLE
    if not bundle.exists():
        bundle.symlink_to(_BUNDLE)
    (root / "etc/resolv.conf").write_text("")
    (root / "etc/hostname").write_text("localhost\n")
