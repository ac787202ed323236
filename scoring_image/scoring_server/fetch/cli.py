"""scoring-fetch: the init container that brings a model from a URL."""

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scoring_server.artefact import MANIFEST_NAME
from scoring_server.fetch.addresses import PrivateAddresses
from scoring_server.fetch.downloading import download
from scoring_server.fetch.errors import FetchError
from scoring_server.fetch.unpacking import unpack
from scoring_server.process.last_words import EXIT_CONFIG, write_termination_message
from scoring_server.process.logs import configure_logging

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 4 * 1024**3
_WORK_PREFIX: Final = ".fetching-"
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of scoring-fetch."""
    parser = argparse.ArgumentParser(
        prog="scoring-fetch", description="Download a model artefact, check its hash, unpack it."
    )
    parser.add_argument(
        "--url", required=True, help="http(s) URL of a tar of the artefact, plain or gzip"
    )
    parser.add_argument(
        "--sha256", required=True, help="hash of the downloaded file, 64 hex digits"
    )
    parser.add_argument(
        "--to", required=True, type=Path, help="folder that gets the artefact's files"
    )
    parser.add_argument(
        "--private-addresses",
        choices=[choice.value for choice in PrivateAddresses],
        default=PrivateAddresses.NAMED.value,
        help="whether private networks may be connected to: where the URL leads there, but not "
        "where a public server redirects there (named, the default), never, or always",
    )
    options = parser.parse_args(arguments)
    configure_logging(os.environ.get("SCORING_LOG_LEVEL", "info"))
    try:
        private = PrivateAddresses(options.private_addresses)
        fetch(options.url, options.sha256, options.to, private=private)
    except FetchError as error:
        _log.error("the model could not be fetched: %s", error)
        write_termination_message("ModelLoadFailed", str(error))
        sys.exit(EXIT_CONFIG)


def fetch(
    url: str,
    sha256: str,
    directory: Path,
    *,
    max_bytes: int = MAX_BYTES,
    private: PrivateAddresses = PrivateAddresses.NAMED,
) -> None:
    """Download, check, unpack.

    Args:
        url: http or https.
        sha256: of the downloaded bytes, 64 hex digits.
        directory: is made when missing; the files of an earlier model are replaced.
        max_bytes: the most that is downloaded, and the most that it may unpack to.
        private: whether addresses of private networks may be connected to.

    Raises:
        FetchError: any of it failed; the directory holds the model that it had, or none.
    """
    if not _SHA256.fullmatch(sha256):
        raise FetchError("--sha256 must be 64 hex digits")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(directory)
        # Inside the target: the model's volume is sized for it, while /tmp may be memory, and
        # what is moved within a volume is not copied.
        with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX, dir=directory) as folder:
            archive, files = Path(folder, "archive"), Path(folder, "files")
            files.mkdir()
            digest = download(url, archive, max_bytes=max_bytes, private=private)
            if digest != sha256.lower():
                raise FetchError(
                    f"the download has sha256 {digest}, but {sha256.lower()} was asked for: the "
                    "file was changed, or the hash belongs to another one"
                )
            _log.info("downloaded %d bytes, their sha256 is right", archive.stat().st_size)
            unpack(archive, files, max_bytes=max_bytes)
            _replace(files, directory)
    except OSError as error:
        raise FetchError(f"{directory} cannot be written: {error.strerror or error}") from None
    _log.info("unpacked the model into %s", directory)


def _remove_leftovers(directory: Path) -> None:
    """What an attempt left that was killed; the server refuses folders in an artefact."""
    for path in directory.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def _replace(files: Path, directory: Path) -> None:
    """Exchange the files; model.json goes first and comes last: without it nothing is a model."""
    (directory / MANIFEST_NAME).unlink(missing_ok=True)
    for path in directory.iterdir():
        if path.is_file() or path.is_symlink():
            path.unlink()
    for path in sorted(files.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
        path.rename(directory / path.name)
