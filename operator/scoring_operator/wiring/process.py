"""The life of an operator process: standby, leader, end.

Every replica watches, so that a standby knows everything when its time comes; only the leader's
workers take keys. Whatever ends on its own ends the process: a new one starts in a second, while a
process that is up and blind helps nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

from scoring_operator.api import FIELD_MANAGER
from scoring_operator.controller.applicable import REQUIRED_KINDS
from scoring_operator.controller.events import EventPoster
from scoring_operator.controller.intake import Intake
from scoring_operator.controller.model_probe import ModelProbe
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.reconcile import Reconciler
from scoring_operator.controller.store import Key, Store
from scoring_operator.controller.worker import work
from scoring_operator.kube import ApiError, Client, Credentials, ResourceType, load_credentials
from scoring_operator.kube.credentials import CredentialsError
from scoring_operator.kube.lease import Elector, LeaseLost
from scoring_operator.wiring.discovery import wait_for_kinds
from scoring_operator.wiring.ending import end_all_others
from scoring_operator.wiring.endpoint import Endpoint
from scoring_operator.wiring.informers import OPTIONAL, WATCHED, Informers
from scoring_operator.wiring.metrics import Metrics
from scoring_operator.wiring.optional_kinds import OptionalKinds
from scoring_operator.wiring.settings import Settings
from scoring_operator.wiring.watches import Watches

STUCK_SECONDS = 300.0  # no look takes that long: each request has its time-out and few retries
# Long enough for a second watch to end by itself after one that was given up.
SILENT_SECONDS = 110.0
CHECK_SECONDS = 2.0
DRAIN_SECONDS = 10.0
RETRY_SECONDS = 2.0

logger = logging.getLogger(__name__)


class BlindError(RuntimeError):
    """The watches have been silent for too long to be alive."""


class Process:
    """One operator process; `await run()` returns at SIGTERM or SIGINT, or raises."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._settings = settings
        self._credentials = credentials
        self._stop = asyncio.Event()
        self._store = Store()
        self._queue: WorkQueue[Key] = WorkQueue()
        self._metrics = Metrics(
            # A standby's queue is worked on by nobody, and tells nothing.
            queue_depth=lambda: float(self._queue.depth() if self._leads() else 0),
            leads=self._leads,
            reasons=self._store.reasons,
        )
        self._elector: Elector | None = None
        self._intake = Intake(self._store, self._queue)
        self._served = set(REQUIRED_KINDS)
        spaces = settings.namespaces or (None,)
        self._watches = Watches(WATCHED, spaces, self._intake, self._metrics.request)
        self._endpoint = Endpoint(self._metrics, healthy=self._healthy, ready=self._ready)
        self._informing = False

    async def run(self) -> None:
        """Run until told to stop."""
        self._listen_to_signals()
        async with contextlib.AsyncExitStack() as stack:
            await self._endpoint.start(self._settings.port)
            stack.push_async_callback(self._endpoint.close)
            client = await stack.enter_async_context(self._client(permit=self._leads))
            if self._settings.leader_election:
                # A client of its own: the renewal never waits behind other requests.
                lease_client = await stack.enter_async_context(self._client(lambda: True))
                self._elector = Elector(
                    lease_client,
                    namespace=self._settings.lease_namespace or self._credentials.namespace,
                    name=self._settings.lease_name,
                    identity=self._settings.identity,
                )
            if await self._until_stopped(wait_for_kinds(client, WATCHED)):
                await self._serve(client)
        logger.info("stopped")

    async def _serve(self, client: Client) -> None:
        optional = OptionalKinds(
            OPTIONAL, client, self._watches, lambda kind: self._inform([kind]), self._on_change
        )
        if not await self._until_stopped(_persist(optional.discover)):
            return
        self._informing = True
        models = ModelProbe(self._queue.add)
        events = EventPoster(client, self._settings.identity)
        reconciler = Reconciler(
            client,
            self._store,
            self._settings.platform,
            models,
            served=self._served,
            wake=self._queue.add,
            announce=events.post,
        )
        workers = asyncio.create_task(self._lead(reconciler), name="workers")
        others = [
            asyncio.create_task(self._inform(WATCHED), name="informers"),
            asyncio.create_task(optional.run(), name="optional informers"),
            asyncio.create_task(events.run(), name="events"),
            asyncio.create_task(self._watch_the_watches(), name="watchdog"),
            asyncio.create_task(self._stop.wait(), name="signal"),
        ]
        try:
            done, _ = await asyncio.wait({workers, *others}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                logger.info("%s ended", task.get_name())
                task.result()
        finally:
            await self._wind_down(workers, others)
            await models.close()

    async def _inform(self, kinds: Iterable[ResourceType]) -> None:
        """Watch some kinds until that fails."""
        informers = Informers(
            kinds, self._credentials, self._settings.namespaces, self._intake, self._watches
        )
        await informers.start()
        self._listen_to_signals()  # kopf has put its own handlers in place
        await informers.run()

    def _on_change(self, kind: str, served: bool) -> None:
        """All objects of an optional kind are known now, or there are none any more."""
        if served:
            self._served.add(kind)
        else:
            self._served.discard(kind)
            self._store.forget(kind)
        for key in self._store.keys():  # noqa: SIM118  # a Store, not a dict
            self._queue.add(key)

    async def _wind_down(
        self, workers: asyncio.Task[None], others: list[asyncio.Task[Any]]
    ) -> None:
        """Let the workers finish their keys, hand the lead over, then stop watching."""
        self._queue.close()
        if self._leads():
            await asyncio.wait({workers}, timeout=DRAIN_SECONDS)
        workers.cancel()
        await asyncio.gather(workers, return_exceptions=True)
        if self._elector is not None:
            await self._elector.release()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _lead(self, reconciler: Reconciler) -> None:
        """Stand by until this process leads and knows everything; then work."""
        if self._elector is not None:
            await self._elector.acquire()
        async with asyncio.TaskGroup() as group:
            holding = None
            if self._elector is not None:
                holding = group.create_task(self._elector.hold())
            while not self._watches.synced:
                await asyncio.sleep(0.02)
            logger.info("working", extra={"resources": len(self._store.keys())})
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._settings.workers):
                    workers.create_task(work(self._queue, reconciler, self._metrics.look))
            if holding is not None:
                holding.cancel()

    async def _watch_the_watches(self) -> None:
        while (silent := self._watches.silent_for()) < SILENT_SECONDS:
            await asyncio.sleep(CHECK_SECONDS)
        raise BlindError(f"a watch has given no sign of life for {silent:.0f} s")

    async def _until_stopped(self, coroutine: Coroutine[Any, Any, None]) -> bool:
        """Run something unless told to stop meanwhile; whether it came to its end."""
        task = asyncio.ensure_future(coroutine)
        stop = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return False
        task.result()
        return True

    def _client(self, permit: Callable[[], bool]) -> Client:
        return Client(
            self._credentials,
            field_manager=FIELD_MANAGER,
            concurrency=2 * self._settings.workers,
            requests_per_second=self._settings.requests_per_second,
            permit=permit,
            observe=self._metrics.request,
        )

    def _listen_to_signals(self) -> None:
        # Also as PID 1, for which the kernel has no default action.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    def _leads(self) -> bool:
        if not self._settings.leader_election:
            return True
        return self._elector is not None and self._elector.held()

    def _healthy(self) -> tuple[bool, Mapping[str, object]]:
        busy = self._queue.busy_for()
        silent = self._watches.silent_for() if self._informing else 0.0
        next_in = self._queue.next_in()
        facts = {
            "leader": self._leads(),
            "busySeconds": round(busy, 1),
            "silentSeconds": round(silent, 1),
            "queueDepth": self._queue.depth(),
            "nextLookSeconds": None if next_in is None else round(next_in, 1),
        }
        return busy < STUCK_SECONDS and silent < SILENT_SECONDS, facts

    def _ready(self) -> tuple[bool, Mapping[str, object]]:
        return self._watches.synced, {"synced": self._watches.synced, "leader": self._leads()}


async def _persist(ask: Callable[[], Awaitable[None]]) -> None:
    """Ask until there is an answer."""
    while True:
        try:
            await ask()
        except ApiError as error:
            logger.warning("waiting for the API server: %s", error.message)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


def main(settings: Settings) -> int:
    """Run an operator process until SIGTERM or SIGINT; its exit status."""
    try:
        credentials = load_credentials(settings.kubeconfig, settings.context)
        asyncio.run(_run(settings, credentials))
    except CredentialsError as error:
        logger.critical("no way to log in: %s", error)
        return 1
    except Exception as error:
        cause = _cause(error)
        foreseen = isinstance(cause, LeaseLost | BlindError | OSError)
        logger.critical("ended: %s", cause, exc_info=None if foreseen else error)
        return 1
    return 0


def _cause(error: BaseException) -> BaseException:
    """The error within groups of one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def _run(settings: Settings, credentials: Credentials) -> None:
    try:
        await Process(settings, credentials).run()
    finally:
        await end_all_others()
