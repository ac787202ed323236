"""The one error of this package: something a person can act on."""


class ClusterError(Exception):
    """Says what is wrong and what to do about it; the command line prints it without a traceback."""
