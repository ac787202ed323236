"""Writing an artefact: complete and checksummed, or not there at all."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scoring_server.artefact.manifest import MANIFEST_NAME, FileEntry, Manifest, check_file_name

# What the server's user must be able to read, whatever umask the builder had.
_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644


def write_artefact(
    directory: Path,
    *,
    kind: str,
    name: str,
    weights: str,
    created_by: Mapping[str, Any],
    files: Mapping[str, bytes | Path],
    details: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write a model artefact, replacing the one that is there.

    Everything is written to a folder beside the target and moved into place at the end, so a reader
    or a crash never meets half an artefact. Nothing that varies from run to run is written, such as
    the time or the host.

    Args:
        directory: where the artefact goes; its parent is made when missing.
        kind, name, weights, created_by, details: as in Manifest.
        files: the payload by plain file name: its bytes, or the file to copy.

    Raises:
        ModelLoadError: a field or a file name that no server would accept.
        FileExistsError: the target holds something else than an artefact.
        OSError: it cannot be written; a mount point cannot be replaced, only a folder inside it.
    """
    directory = directory.absolute()
    for file_name in files:
        check_file_name(file_name)
    _refuse_foreign(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        fresh = staging / "new"
        fresh.mkdir(mode=_DIRECTORY_MODE)
        entries = {
            file_name: _write_file(fresh / file_name, content)
            for file_name, content in sorted(files.items())
        }
        manifest = Manifest(kind, name, weights, created_by, entries, details or {})
        data = manifest.to_bytes()
        Manifest.from_bytes(data)  # what would be refused at loading is refused here
        _write_file(fresh / MANIFEST_NAME, data)
        fresh.chmod(_DIRECTORY_MODE)
        _swap(fresh, directory, staging / "old")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _refuse_foreign(directory: Path) -> None:
    if not directory.exists() and not directory.is_symlink():
        return
    if directory.is_symlink() or not directory.is_dir():
        raise FileExistsError(f"{directory} exists and is not a directory")
    names = [entry.name for entry in directory.iterdir()]
    if names and MANIFEST_NAME not in names:
        raise FileExistsError(
            f"{directory} is not empty and holds no {MANIFEST_NAME}: it is not an artefact, "
            "so it is left alone"
        )


def _write_file(path: Path, content: bytes | Path) -> FileEntry:
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        path.write_bytes(content)
    path.chmod(_FILE_MODE)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
    return FileEntry(sha256=sha256, size=path.stat().st_size)


def _swap(fresh: Path, directory: Path, retired: Path) -> None:
    replaced = directory.exists()
    if replaced:
        directory.rename(retired)
    try:
        fresh.rename(directory)
    except OSError:
        if replaced:
            retired.rename(directory)
        raise
