"""Results as those get them that wait for them."""

from typing import TypeVar

from scoring_server.batching import Future, Wait, run

Result = TypeVar("Result")


def result(future: Future[Result], deadline: float) -> Result:
    """The calling thread waits until the deadline."""

    async def awaited() -> Result:
        return await Wait(future, deadline)

    return run(awaited())
