"""The one error of this package: something a person can act on."""


class ClusterError(Exception):
    """Says what is wrong and what to do about it; printed without a traceback."""
