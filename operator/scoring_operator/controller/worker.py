"""What a worker does: take a key, look, give it back; errors are retried, never lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.reconcile import Reconciler
from scoring_operator.controller.store import Key
from scoring_operator.kube import ApiError, Conflict

Observer = Callable[[str, float], None]
"""Called after each look with its result (success, gone, conflict, error) and seconds."""

logger = logging.getLogger(__name__)


async def work(queue: WorkQueue[Key], reconciler: Reconciler, observe: Observer) -> None:
    """Work until the queue is closed."""
    while (key := await queue.get()) is not None:
        started = time.perf_counter()
        try:
            result = await _look(key, queue, reconciler)
        finally:
            queue.done(key)
        observe(result, time.perf_counter() - started)


async def _look(key: Key, queue: WorkQueue[Key], reconciler: Reconciler) -> str:
    try:
        again = await reconciler.look(key)
    except Conflict as error:
        delay = queue.retry(key)
        logger.debug("the view was stale: %s", error.message, extra={"retry_in": delay})
        return "conflict"
    except ApiError as error:
        delay = queue.retry(key)
        logger.warning("%s", error.message, extra={"retry_in": delay, "code": error.code})
        return "error"
    except Exception:
        delay = queue.retry(key)
        logger.exception("a look failed", extra={"retry_in": delay})
        return "error"
    if again is None:
        queue.forget(key)
        return "gone"
    queue.succeeded(key)
    queue.add_after(key, again)
    return "success"
