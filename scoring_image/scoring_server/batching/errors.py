"""Why work was not done."""


class Overloaded(Exception):
    """All places are taken; nothing was queued."""


class DeadlineExceeded(Exception):
    """The deadline passed before the work was done; what had not begun is never computed."""


class BatcherClosed(Exception):
    """The batcher does not run any more."""
