"""Model files from a URL: bounded download, checked hash, a tar unpacked with suspicion."""

from scoring_server.fetch.downloading import download
from scoring_server.fetch.errors import FetchError
from scoring_server.fetch.unpacking import unpack

__all__ = ["FetchError", "download", "unpack"]
