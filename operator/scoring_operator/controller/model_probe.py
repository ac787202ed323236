"""What the pods say of their model, asked over HTTP in the background.

Only a pod knows which weights it has loaded, and random ones must be called random in the status.
A look never waits for an answer: it takes what is known, and an answer wakes the resource.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp

from scoring_operator.controller.objects import metadata
from scoring_operator.controller.store import Key
from scoring_operator.manifests.pod import PORT
from scoring_operator.status.pods import is_ready

_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
_MAX_BODY_BYTES = 64 * 1024
_CONCURRENCY = 16
# A pod that could not be asked (from outside the cluster none can) is left alone for a while.
_PAUSE_SECONDS = 300.0
_REMEMBERED = 10_000

Model = Mapping[str, Any]
Value = TypeVar("Value")
logger = logging.getLogger(__name__)


class ModelProbe:
    """Asks ready pods for `/version`, each once; `wake` is called with the key after an answer."""

    def __init__(
        self,
        wake: Callable[[Key], None],
        *,
        port: int = PORT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wake = wake
        self._port = port
        self._clock = clock
        self._answers: OrderedDict[str, Model] = OrderedDict()  # by the pod's uid
        self._failed: OrderedDict[str, float] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_CONCURRENCY)

    def model(self, key: Key, pods: Sequence[Mapping[str, Any]]) -> Model | None:
        """The model of the newest ready pod, if that is known; else it is asked."""
        ready = [pod for pod in pods if is_ready(pod) and pod["status"].get("podIP")]
        if not ready:
            return None
        newest = max(ready, key=lambda pod: str(metadata(pod).get("creationTimestamp", "")))
        uid = str(metadata(newest).get("uid", ""))
        if uid not in self._answers and self._may_ask(uid):
            address = str(newest["status"]["podIP"])
            self._asking[uid] = asyncio.create_task(self._ask(key, uid, address))
        return self._answers.get(uid)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_ask(self, uid: str) -> bool:
        failed = self._failed.get(uid)
        paused = failed is not None and self._clock() - failed < _PAUSE_SECONDS
        return uid not in self._asking and not paused

    async def _ask(self, key: Key, uid: str, address: str) -> None:
        try:
            async with self._slots:
                answer = await self._version(address)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            logger.debug("the pod's model is unknown: %s", error or type(error).__name__)
            _remember(self._failed, uid, self._clock())
        else:
            _remember(self._answers, uid, answer)
            self._wake(key)
        finally:
            del self._asking[uid]

    async def _version(self, address: str) -> Model:
        host = f"[{address}]" if ":" in address else address
        # Not through a proxy of the environment: the address is the cluster's.
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session,
            session.get(f"http://{host}:{self._port}/version", allow_redirects=False) as response,
        ):
            response.raise_for_status()
            body = await response.content.read(_MAX_BODY_BYTES)
        model = _json_object(body).get("model")
        if not isinstance(model, dict):
            raise ValueError("the answer names no model")  # noqa: TRY004 - a bad answer, no bug
        return model


def _json_object(body: bytes) -> Mapping[str, Any]:
    parsed = json.loads(body)
    return parsed if isinstance(parsed, dict) else {}


def _remember(memory: OrderedDict[str, Value], uid: str, value: Value) -> None:
    memory[uid] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
