"""Model files from a URL: allowed addresses, bounded, hash checked, unpacked with suspicion."""

from scoring_server.fetch.addresses import PrivateAddresses
from scoring_server.fetch.downloading import download
from scoring_server.fetch.errors import FetchError
from scoring_server.fetch.unpacking import unpack

__all__ = ["FetchError", "PrivateAddresses", "download", "unpack"]
