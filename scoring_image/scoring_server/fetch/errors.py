"""The one error of a model that cannot be fetched."""


class FetchError(Exception):
    """A download or an archive was refused or failed; the message is for people."""
