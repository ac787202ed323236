"""Bounded work: admission, one thread that computes what waits in batches, and who awaits it."""

from scoring_server.batching.admission import Admission
from scoring_server.batching.batcher import Batcher, BatchObserver
from scoring_server.batching.errors import BatcherClosed, DeadlineExceeded, DeviceLost, Overloaded
from scoring_server.batching.future import Future
from scoring_server.batching.waiting import Task, Wait, run

__all__ = [
    "Admission",
    "BatchObserver",
    "Batcher",
    "BatcherClosed",
    "DeadlineExceeded",
    "DeviceLost",
    "Future",
    "Overloaded",
    "Task",
    "Wait",
    "run",
]
