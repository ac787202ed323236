"""API keys in a directory of files, such as a mounted Secret: each file is a key with its name.

A change is noticed without a restart: the directory is looked at when a key is asked for, at most
once a second. The kubelet replaces the content of a Secret volume as a whole, by one link `..data`.
"""

import contextlib
import hashlib
import hmac
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

_log = logging.getLogger(__name__)

MIN_CHARACTERS: Final = 16
# gunicorn reads header fields of up to 8,190 bytes.
MAX_CHARACTERS: Final = 4096
_LOOK_SECONDS: Final = 1.0
# A read that meets a directory while it is being replaced is tried again.
_ATTEMPTS: Final = 3
_DATA_LINK: Final = "..data"

_Signature = tuple[object, ...]
Result = TypeVar("Result")


class KeysError(Exception):
    """The directory cannot be used; the message says why and holds no key."""


class ApiKeys:
    """The keys of a directory, as hashes. Safe to share between threads and forks.

    Args:
        directory: of the files. Names that begin with ".." are the kubelet's own.
        clock: seconds, for the next look at the directory.

    Raises:
        KeysError: there is no key, or a file does not hold one.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._signature, keys, problems = _patiently(_read, directory)
        except OSError as error:
            raise KeysError(
                f"the API keys directory {directory} cannot be read: {error.strerror}"
            ) from None
        if problems:
            raise KeysError(problems[0])
        if not keys:
            raise KeysError(f"the API keys directory {directory} holds no key")
        self._hashes = _hashes(keys)
        self._next_look = clock() + _LOOK_SECONDS

    def name_of(self, presented: str) -> str | None:
        """The name of the key that was presented; None if it is no key.

        Every key is compared, in constant time and by its hash: the time taken depends neither on
        which key matches nor on how much of one does.
        """
        if self._clock() >= self._next_look:
            self._look()
        digest = _digest(presented)
        found = None
        for name, known in self._hashes:
            if hmac.compare_digest(digest, known):
                found = name
        return found

    def _look(self) -> None:
        """Read the directory again if it has changed."""
        with self._lock:
            if self._clock() < self._next_look:
                return  # another thread has just looked
            try:
                if _patiently(_signature, self._directory) != self._signature:
                    self._replace()
            except OSError as error:
                self._refuse_all(f"cannot be read: {error.strerror}")
            finally:
                self._next_look = self._clock() + _LOOK_SECONDS

    def _replace(self) -> None:
        signature, keys, problems = _patiently(_read, self._directory)
        for problem in problems:
            _log.error("%s: it is ignored", problem)
        if keys:
            _log.info("the API keys have changed", extra={"apiKeys": sorted(keys)})
        else:
            self._refuse_all("holds no key")
        self._signature, self._hashes = signature, _hashes(keys)

    def _refuse_all(self, why: str) -> None:
        if self._hashes:
            _log.error(
                "the API keys directory %s %s: all requests are refused", self._directory, why
            )
        self._signature, self._hashes = (), ()


def _digest(key: str) -> bytes:
    # Whatever is not ASCII is different from every key, however it is encoded.
    return hashlib.sha256(key.encode(errors="backslashreplace")).digest()


def _hashes(keys: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, _digest(key)) for name, key in sorted(keys.items()))


def _content(directory: Path) -> str:
    """Where the files are now, past the link that the kubelet replaces."""
    link = directory / _DATA_LINK
    return os.path.realpath(link) if link.is_symlink() else str(directory)


def _files(content: str) -> dict[str, os.stat_result]:
    files = {}
    for entry in os.scandir(content):
        if entry.name.startswith(".."):
            continue
        try:
            found = entry.stat()
        except FileNotFoundError:  # a link whose target is gone
            continue
        if stat.S_ISREG(found.st_mode):
            files[entry.name] = found
    return files


def _signature(directory: Path) -> _Signature:
    """What differs after any change."""
    content = _content(directory)
    files = _files(content)
    return content, tuple(
        (name, s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_size)
        for name, s in sorted(files.items())
    )


def _read(directory: Path) -> tuple[_Signature, dict[str, str], list[str]]:
    """Signature, keys by name, and what is wrong with files that hold none.

    The signature is taken first: what changes in between is noticed at the next look.
    """
    return _signature(directory), *_read_files(directory)


def _patiently(read: Callable[[Path], Result], directory: Path) -> Result:
    """Read once more where the directory was replaced meanwhile."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(FileNotFoundError):
            return read(directory)
    return read(directory)


def _read_files(directory: Path) -> tuple[dict[str, str], list[str]]:
    keys: dict[str, str] = {}
    problems: list[str] = []
    content = _content(directory)
    for name in sorted(_files(content)):
        with (Path(content) / name).open("rb") as file:
            value = file.read(MAX_CHARACTERS + 2).rstrip(b"\r\n")
        problem = _problem(value)
        if problem is None:
            keys[name] = value.decode("ascii")
        else:
            problems.append(f"the API key {name!r} in {directory} {problem}")
    return keys, problems


def _problem(value: bytes) -> str | None:
    """What is wrong with a key, without a word of it."""
    if not value:
        return "is empty"
    if not all(0x21 <= byte <= 0x7E for byte in value):
        return "has characters that a header cannot carry: use visible ASCII without spaces"
    if len(value) < MIN_CHARACTERS:
        return f"is shorter than {MIN_CHARACTERS} characters"
    if len(value) > MAX_CHARACTERS:
        return f"is longer than {MAX_CHARACTERS} characters"
    return None
