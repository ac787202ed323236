"""Opening an artefact: nothing is handed out before every file was checked against the manifest."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from scoring_server.artefact.errors import ModelLoadError
from scoring_server.artefact.manifest import MANIFEST_NAME, FileEntry, Manifest

_MAX_MANIFEST_BYTES = 4 * 1024 * 1024
# The root of a freshly made ext4 volume holds this folder; whatever else is not listed is refused.
_TOLERATED = frozenset({"lost+found"})


@dataclass(frozen=True)
class Artefact:
    """An artefact whose files all had the size and sha256 of the manifest when it was opened.

    Attributes:
        directory: where it lies.
        manifest: the parsed model.json.
        digest: "sha256:" and the hex sha256 of model.json, which pins every other file.
        kept: the content of each file by its name, where it was opened with `keep`.
    """

    directory: Path
    manifest: Manifest
    digest: str
    kept: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def path(self, name: str) -> Path:
        """Where a listed file lies.

        Raises:
            ModelLoadError: the manifest lists no such file.
        """
        if name not in self.manifest.files:
            raise ModelLoadError(f"the model in {self.directory} has no file {name}")
        return self.directory / name

    def read_bytes(self, name: str) -> bytes:
        """The content of a listed file.

        Raises:
            ModelLoadError: the manifest lists no such file, or it cannot be read any more.
        """
        path = self.path(name)
        if name in self.kept:
            return self.kept[name]
        with _open_regular(path) as stream:
            return stream.read()


def open_artefact(directory: Path, expected_kind: str, *, keep: bool = False) -> Artefact:
    """Open a model artefact and verify all of its files.

    Args:
        directory: the folder that holds model.json.
        expected_kind: "faq-matching" or "image-classification".
        keep: hold the files in memory as they were when they were verified; for models that are
            wanted whole, which then need no second reading.

    Raises:
        ModelLoadError: the folder or a file is missing or unreadable, model.json is not valid, the
            kind is another one, a file is damaged, or there is anything that model.json does not
            list: another file, a folder, a link, a device.
    """
    names = _entries(directory)
    if MANIFEST_NAME not in names:
        raise ModelLoadError(
            f"{directory} holds no {MANIFEST_NAME}, so it is not a model artefact; "
            "check the path of the model source"
        )
    data = _read_manifest(directory / MANIFEST_NAME)
    manifest = Manifest.from_bytes(data)
    if manifest.kind != expected_kind:
        raise ModelLoadError(
            f"the model in {directory} is of kind {manifest.kind}, but the service is "
            f"{expected_kind}: change the model's type or its source"
        )
    unlisted = sorted(names - manifest.files.keys() - {MANIFEST_NAME} - _TOLERATED)
    if unlisted:
        raise ModelLoadError(
            f"{directory} holds {unlisted[0]!r}, which {MANIFEST_NAME} does not list; "
            "remove it or make the artefact again"
        )
    kept = {}
    for name, entry in sorted(manifest.files.items()):
        content = _verify(directory / name, entry, keep=keep)
        if content is not None:
            kept[name] = content
    return Artefact(directory, manifest, f"sha256:{hashlib.sha256(data).hexdigest()}", kept)


def _entries(directory: Path) -> set[str]:
    try:
        return {entry.name for entry in directory.iterdir()}
    except FileNotFoundError:
        raise ModelLoadError(f"the model directory {directory} does not exist") from None
    except NotADirectoryError:
        raise ModelLoadError(f"{directory} is not a directory") from None
    except OSError as error:
        raise _unreadable(directory, error) from None


def _read_manifest(path: Path) -> bytes:
    with _open_regular(path) as stream:
        data = stream.read(_MAX_MANIFEST_BYTES + 1)
    if len(data) > _MAX_MANIFEST_BYTES:
        raise ModelLoadError(f"{path} is larger than {_MAX_MANIFEST_BYTES} bytes")
    return data


def _verify(path: Path, entry: FileEntry, *, keep: bool) -> bytes | None:
    """Verify a file; its content, if it is to be kept."""
    with _open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size != entry.size:
            raise ModelLoadError(
                f"{path} has {size} bytes where {MANIFEST_NAME} says {entry.size}: "
                "the copy is incomplete or damaged; copy the artefact again"
            )
        content = stream.read(entry.size) if keep else None
        if content is None:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        else:
            sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != entry.sha256:
        raise ModelLoadError(
            f"{path} has sha256 {sha256} where {MANIFEST_NAME} says {entry.sha256}: "
            "the file is damaged or was replaced; copy the artefact again"
        )
    return content


@contextmanager
def _open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file; never follow a link, never wait on a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ModelLoadError(
            f"{path.name} is missing from {path.parent}: the copy is incomplete; "
            "copy the artefact again"
        ) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ModelLoadError(
                f"{path} is a link; an artefact holds plain files only, copy the file itself"
            ) from None
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelLoadError(f"{path} is not a regular file")
    with os.fdopen(descriptor, "rb") as stream:
        try:
            yield stream
        except OSError as error:
            raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> ModelLoadError:
    reason = error.strerror or type(error).__name__
    return ModelLoadError(f"{path} cannot be read by user {os.geteuid()}: {reason}")
