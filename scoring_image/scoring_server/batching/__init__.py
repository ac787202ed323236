"""Bounded work: admission, fair slots, and one thread that computes what waits in batches."""

from scoring_server.batching.admission import Admission
from scoring_server.batching.batcher import Batcher, BatchObserver
from scoring_server.batching.errors import BatcherClosed, DeadlineExceeded, DeviceLost, Overloaded
from scoring_server.batching.slots import FairSlots

__all__ = [
    "Admission",
    "BatchObserver",
    "Batcher",
    "BatcherClosed",
    "DeadlineExceeded",
    "DeviceLost",
    "FairSlots",
    "Overloaded",
]
