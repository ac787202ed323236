"""Workers never lose a key, whatever a look does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from scoring_operator.controller.queue import Backoff, WorkQueue
from scoring_operator.controller.reconcile import Reconciler
from scoring_operator.controller.store import Key
from scoring_operator.controller.worker import work
from scoring_operator.kube import Conflict, ServerError

KEY = ("ml", "faq")


class FakeReconciler:
    """Looks that end as told; the last one closes the queue."""

    def __init__(self, queue: WorkQueue[Key], *results: float | Exception | None) -> None:
        self.queue = queue
        self.results = list(results)

    async def look(self, key: Key) -> float | None:
        result = self.results.pop(0)
        if not self.results:
            self.queue.close()
        if isinstance(result, Exception):
            raise result
        return result


async def run(*results: float | Exception | None) -> tuple[list[str], WorkQueue[Key]]:
    queue: WorkQueue[Key] = WorkQueue(backoff=Backoff(first=0.001))
    queue.add(KEY)
    seen: list[str] = []
    reconciler = cast("Reconciler", FakeReconciler(queue, *results))
    await asyncio.wait_for(work(queue, reconciler, lambda result, _: seen.append(result)), 60)
    return seen, queue


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (600.0, "success"),
        (None, "gone"),
        (Conflict("stale"), "conflict"),
        (ServerError("boom"), "error"),
        (RuntimeError("a bug"), "error"),
    ],
)
async def test_each_end_of_a_look_has_a_name(result: Any, name: str) -> None:
    seen, _ = await run(result)
    assert seen == [name]


async def test_what_failed_is_looked_at_again_until_it_succeeds() -> None:
    seen, queue = await run(ServerError("1"), RuntimeError("2"), Conflict("3"), 600.0)
    assert seen == ["error", "error", "conflict", "success"]
    assert queue.retry(KEY) < 0.002, "success starts the back-off anew"


async def test_a_look_says_when_the_next_one_is_due() -> None:
    seen, _ = await run(0.01, 600.0)
    assert seen == ["success", "success"]


async def test_a_cancelled_worker_gives_its_key_back() -> None:
    queue: WorkQueue[Key] = WorkQueue()
    started = asyncio.Event()

    class Hanging:
        async def look(self, key: Key) -> float | None:
            started.set()
            await asyncio.sleep(60)
            return None

    queue.add(KEY)
    observe: Callable[[str, float], None] = lambda *_: None  # noqa: E731  # it is typed here
    worker: Awaitable[None] = asyncio.create_task(
        work(queue, cast("Reconciler", Hanging()), observe)
    )
    await started.wait()
    cast("asyncio.Task[None]", worker).cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert queue.busy_for() == 0.0
