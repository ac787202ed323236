"""Why work was not done."""


class Overloaded(Exception):
    """All places are taken; nothing was queued."""


class DeadlineExceeded(Exception):
    """The deadline passed before the work was done; what had not begun is never computed."""


class BatcherClosed(Exception):
    """The batcher does not run any more."""


class DeviceLost(Exception):
    """What computes is gone and will not come back in this process; the message says why."""
