"""The end of a process whose libraries leave tasks behind."""

from __future__ import annotations

import asyncio

PAUSE_SECONDS = 0.2


async def end_all_others() -> None:
    """Cancel all tasks but this one, again and again, until there are none.

    A watch of kopf's that fails leaves the other watches running. `asyncio.run` would cancel each
    task once, at the same time: a watch that is being opened just then takes that for the end of a
    pause, begins anew, and the process never ends.
    """
    this = asyncio.current_task()
    while others := asyncio.all_tasks() - {this}:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=PAUSE_SECONDS)
