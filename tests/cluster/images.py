"""Builds the project's Dockerfiles with buildah, without Docker, a daemon or a registry."""

import dataclasses
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import base_image, console, hostconfig, packages
from tests.cluster.errors import ClusterError
from tests.cluster.locks import exclusive
from tests.cluster.paths import cache_root
from tests.cluster.streaming import ISOLATED, follow

# Never part of an image, and different after every test run.
_IGNORED = shutil.ignore_patterns(
    ".git", "__pycache__", "*.pyc", "*.egg-info", ".venv", ".*_cache", "node_modules"
)
_KEPT_PER_TAG = 2
_STEP = re.compile(r"^(?:\[\d+/\d+\] )?STEP \d+/\d+: .*")


@dataclasses.dataclass(frozen=True)
class ImageBuild:
    """What to build: a Dockerfile, its context, the target in it, and the image's name."""

    dockerfile: Path
    context: Path
    tag: str
    target: str | None = None
    arguments: Mapping[str, str] = dataclasses.field(default_factory=dict)


def build(request: ImageBuild, out: Path | None = None) -> Path:
    """Return the image's OCI archive, built where the cache lacks it; put it at ``out`` too."""
    if not request.dockerfile.is_file():
        raise ClusterError(f"there is no Dockerfile {request.dockerfile}")
    if not request.context.is_dir():
        raise ClusterError(f"there is no folder {request.context} to build from")
    if os.geteuid() != 0:
        raise ClusterError("building images needs root; or build them with docker or podman")
    packages.ensure(packages.IMAGE_PROGRAMS)
    folder = cache_root() / "images" / re.sub(r"[^\w.-]+", "_", request.tag)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scoring-context-") as scratch:
        # What is hashed is what is built from, also while someone edits the sources.
        context = Path(scratch, "context")
        shutil.copytree(request.context, context, symlinks=True, ignore=_IGNORED)
        archive = folder / f"{content_key(request, context)}.tar"
        if archive.exists():
            os.utime(archive)
            console.say(f"✓ the image {request.tag} is there already, built from the same files")
        else:
            with exclusive(cache_root() / "locks" / "buildah", "the build of another image"):
                if not archive.exists():
                    with console.step(f"building the image {request.tag}"):
                        _build(request, context, archive)
            _forget_old(folder)
    if out is not None:
        _place(archive, out)
    return archive


def content_key(request: ImageBuild, context: Path) -> str:
    """Return a hash of all that decides what is built."""
    digest = hashlib.sha256()
    facts = (request.tag, request.target, sorted(request.arguments.items()), base_image.key())
    digest.update(repr(facts).encode())
    digest.update(request.dockerfile.read_bytes())
    for path in sorted(context.rglob("*")):
        executable = bool(path.lstat().st_mode & 0o100)
        digest.update(f"\0{path.relative_to(context)}\0{executable}\0".encode())
        if path.is_symlink():
            digest.update(os.fsencode(path.readlink()))
        elif path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _build(request: ImageBuild, context: Path, archive: Path) -> None:
    arguments = dict(request.arguments)
    if "BASE_IMAGE" not in arguments:
        _ensure_base()
        arguments["BASE_IMAGE"] = base_image.tag()
    with tempfile.TemporaryDirectory(prefix="scoring-build-") as scratch:
        command = ["bud", "--isolation=chroot", "--layers", f"--tag={request.tag}"]
        command += [f"--file={request.dockerfile.absolute()}"]
        command += [f"--build-arg={name}={value}" for name, value in sorted(arguments.items())]
        command += [f"--volume={volume}" for volume in hostconfig.volumes(Path(scratch))]
        if request.target:
            command.append(f"--target={request.target}")
        _buildah([*command, str(context)], request.tag)
    unfinished = archive.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    _buildah(
        ["push", request.tag, f"oci-archive:{unfinished}:{request.tag}"], "writing the archive"
    )
    unfinished.rename(archive)


def _ensure_base() -> None:
    archive = base_image.root_archive()
    try:
        _buildah(["inspect", "--type=image", base_image.tag()], "looking for the base image")
    except ClusterError:
        with tempfile.TemporaryDirectory(prefix="scoring-base-", dir=archive.parent) as context:
            os.link(archive, Path(context, "root.tar"))
            recipe = 'FROM scratch\nADD root.tar /\nCMD ["/bin/sh"]\n'
            Path(context, "Dockerfile").write_text(recipe)
            _buildah(["bud", f"--tag={base_image.tag()}", context], "importing the base image")


def _buildah(arguments: list[str], title: str) -> None:
    """Run buildah on a storage of its own, in a mount namespace of its own, showing its steps."""
    storage = cache_root() / "buildah"
    (storage / "tmp").mkdir(parents=True, exist_ok=True)
    policy = storage / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
    progress = console.Progress(title)
    said: list[str] = []
    step = arguments[0]

    def show(line: str) -> None:
        nonlocal step
        said.append(line)
        step = line.strip() if _STEP.match(line) else step
        progress.update(step[:80])

    # Buildah counts its mounts there, and after a crash the counts are wrong: each time anew.
    with tempfile.TemporaryDirectory(prefix="scoring-buildah-") as run_root:
        command = ["buildah", f"--root={storage / 'root'}", f"--runroot={run_root}"]
        command += ["--storage-driver=overlay", arguments[0]]
        if arguments[0] != "inspect":
            command.append(f"--signature-policy={policy}")
        environment = {**os.environ, "TMPDIR": str(storage / "tmp")}
        status = follow([*ISOLATED, *command, *arguments[1:]], show, env=environment)
    progress.done()
    if status != 0:
        raise ClusterError(f"buildah {arguments[0]} failed:\n{''.join(said[-40:])}")


def _forget_old(folder: Path) -> None:
    archives = sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    for archive in archives[_KEPT_PER_TAG:]:
        archive.unlink()


def _place(archive: Path, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    try:
        os.link(archive, out)
    except OSError:  # another file system
        shutil.copy(archive, out)
