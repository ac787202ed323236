"""FastAPI with raw bodies and batching in an asyncio task, as its users write it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn  # type: ignore[import-not-found]  # in the peer's environment alone
from fastapi import FastAPI, HTTPException, Request  # type: ignore[import-not-found]  # likewise

from benchmarks.images_peers.common import DELAY_SECONDS, MAX_BATCH, PORT_VARIABLE, Classifier

classifier = Classifier()
queue: "asyncio.Queue[tuple[Any, asyncio.Future[Any]]]" = asyncio.Queue()


async def compute() -> None:
    """Take what waits, and a millisecond more of it, as one batch."""
    while True:
        batch = [await queue.get()]
        try:
            async with asyncio.timeout(DELAY_SECONDS):
                while len(batch) < MAX_BATCH:
                    batch.append(await queue.get())
        except TimeoutError:
            pass
        try:
            answers = await asyncio.to_thread(classifier.answer, [item for item, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)
        except Exception as error:
            for _, future in batch:
                future.set_exception(error)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """The batching task lives as long as the server."""
    task = asyncio.create_task(compute())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/ready")  # type: ignore[untyped-decorator]  # likewise
async def ready() -> str:
    """The model is loaded before the app is."""
    return "ready"


@app.post("/score")  # type: ignore[untyped-decorator]  # likewise
async def score(request: Request) -> Any:
    """One image as the body."""
    data = await request.body()
    try:
        picture = await asyncio.to_thread(classifier.prepare, data)
    except Exception as error:
        raise HTTPException(422, "no image") from error
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    await queue.put((picture, future))
    return await future


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ[PORT_VARIABLE]), log_level="warning", access_log=False)
