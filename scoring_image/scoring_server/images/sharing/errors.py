"""What may become of the process that owns the model."""

from typing import Final

from scoring_server.batching import DeviceLost

# What the owner says of a lost device; each worker then ends as if it had been its own.
DEVICE_LOST: Final = "DeviceLost"


class InferenceProcessLost(DeviceLost):
    """The process that owned the model ended without a word: it was killed, or crashed."""


class OwnerFailed(Exception):
    """The process that owns the model cannot compute, and has said why.

    Attributes:
        reason: as in the termination message: ModelLoadFailed or LoadingCrashed.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
