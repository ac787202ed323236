"""A photograph to classify: the user's, or a cat that a package ships (public domain)."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.cluster.console import step
from tests.cluster.errors import ClusterError
from tests.cluster.paths import cache_root

# Chelsea the cat, by Stéfan van der Walt, CC0; part of scikit-image's sample data.
_PACKAGE = "scikit-image==0.26.0"
_MEMBER = "skimage/data/chelsea.png"


def photograph() -> Path:
    """`$PHOTO`, or the sample photograph, downloaded once.

    Raises:
        ClusterError: when there is none.
    """
    if chosen := os.environ.get("PHOTO"):
        path = Path(chosen)
        if not path.is_file():
            raise ClusterError(f"PHOTO={chosen}: no such file")
        if not _is_photograph(path):
            raise ClusterError(f"PHOTO={chosen}: neither JPEG, PNG nor WebP")
        return path
    cached = cache_root() / "demo" / "cat.png"
    if not cached.exists():
        with step("fetching a photograph"), tempfile.TemporaryDirectory() as folder:
            _download(Path(folder), cached)
    return cached


def _is_photograph(path: Path) -> bool:
    """Whether the first bytes are those of a format that the server decodes."""
    with path.open("rb") as file:
        start = file.read(12)
    is_webp = start[:4] == b"RIFF" and start[8:] == b"WEBP"
    return is_webp or start.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def _download(folder: Path, cached: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    options = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"]
    done = subprocess.run(
        [*command, str(folder), *options, _PACKAGE], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise ClusterError(f"no photograph: set PHOTO=file.jpg ({done.stderr.strip()})")
    cached.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheels[0]) as archive:
        partial = cached.with_suffix(".partial")
        partial.write_bytes(archive.read(_MEMBER))
        partial.replace(cached)
