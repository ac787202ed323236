"""A process ends although tasks that were left behind take a cancellation for something else."""

import asyncio
import contextlib

from scoring_operator.wiring.ending import end_all_others


async def stubborn(cancellations: int) -> None:
    for _ in range(cancellations):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
    await asyncio.sleep(3600)


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    tasks = [asyncio.create_task(stubborn(number)) for number in range(3)]
    await asyncio.sleep(0)
    await end_all_others()
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_comes_meanwhile_is_ended_too() -> None:
    late: list[asyncio.Task[None]] = []

    async def parent() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            late.append(asyncio.create_task(stubborn(1)))

    task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    await end_all_others()
    assert task.cancelled()
    assert late[0].cancelled()
