"""kopf as an informer: it lists, watches, logs in and starts anew; events are taken in here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

import aiohttp

from scoring_operator.api import FIELD_MANAGER, LABEL_NAME
from scoring_operator.controller.children import CHILDREN
from scoring_operator.controller.intake import Intake
from scoring_operator.controller.reconcile import SCORING_SERVICES
from scoring_operator.kube import Credentials, ResourceType
from scoring_operator.kube.transport import open_session
from scoring_operator.manifests import CHILD_KINDS
from scoring_operator.wiring.lean import kopf
from scoring_operator.wiring.stream import EventReader
from scoring_operator.wiring.watches import GIVE_UP_SECONDS, WATCH_SECONDS, Watches

PODS = ResourceType("v1", "Pod", "pods")
WATCHED = (
    SCORING_SERVICES,
    *(CHILDREN[kind.kind] for kind in CHILD_KINDS if not kind.optional),
    PODS,
)
OPTIONAL = tuple(CHILDREN[kind.kind] for kind in CHILD_KINDS if kind.optional)

_LIST_PAGE = 100  # a page is parsed twice for a moment: larger ones show in the memory
_LOGIN_PAUSE_SECONDS = 1.0
_RETRIES_SECONDS = (0.2, 0.5, 1, 2, 3, 5, 5, 5)

logger = logging.getLogger(__name__)


class IntakeFailed(RuntimeError):
    """An event could not be taken in: what is in the store can no longer be believed."""


class Informers:
    """Watches of some kinds. `await start()`, then `await run()` until they end or fail."""

    def __init__(
        self,
        resources: Iterable[ResourceType],
        credentials: Credentials,
        namespaces: Sequence[str],
        intake: Intake,
        watches: Watches,
    ) -> None:
        self._resources = tuple(resources)
        self._credentials = credentials
        self._namespaces = namespaces
        self._intake = intake
        self._watches = watches
        spaces: Sequence[str | None] = namespaces or (None,)
        self._paths = {kind.path(space) for kind in self._resources for space in spaces}
        self._logins = 0
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: Collection[asyncio.Task[Any]] = ()

    async def start(self) -> None:
        """Start kopf's tasks. It installs signal handlers: whoever wants others does so after."""
        # Else kopf makes one from the user's name, for the peering that is off, and the user of a
        # container has no name.
        identity: Any = FIELD_MANAGER
        self._tasks = await kopf.spawn_tasks(
            registry=self._registry(),
            settings=_settings(self._resources),
            identity=identity,
            clusterwide=not self._namespaces,
            namespaces=list(self._namespaces),
        )

    async def run(self) -> None:
        """Serve until kopf's tasks end, or an event is not understood; raises what went wrong.

        Not `kopf.run_tasks`: at its end that cancels every younger task, whoever made it.
        """
        try:
            await asyncio.wait({*self._tasks, self._failed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in self._tasks:
                task.cancel()
            ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failed.done():
            self._failed.result()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry, id="login")(self._login)
        for resource in self._resources:
            kopf.on.event(
                resource.group, resource.version, resource.plural, registry=registry, id="nothing"
            )(self._nothing)
        return registry

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        # kopf logs in again whenever a request is refused with 401, at once and without end.
        if self._logins:
            logger.warning("logging in to the API server again")
            await asyncio.sleep(_LOGIN_PAUSE_SECONDS)
        self._logins += 1
        return kopf.AiohttpSession(
            server=self._credentials.server,
            default_namespace=self._credentials.namespace,
            aiohttp_session=open_session(
                self._credentials, connections=0, middlewares=[self._take_objects, self._watches]
            ),
        )

    async def _take_objects(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Middleware: of lists and watches, kopf gets no objects to read.

        It would keep a memory of each, and learn of no end of one.
        """
        response = await handler(request)
        if request.url.path not in self._paths or response.status != 200:
            return response
        if "watch" in request.url.query:
            reader: Any = EventReader(response.content, self._take)
            response.content = reader
        else:  # the list was taken in as a whole (see `Watches`)
            answer: Any = response
            answer.json = partial(_value, {**await response.json(), "items": []})
        return response

    def _take(self, kind: str, obj: dict[str, Any]) -> None:
        # Whoever reads the stream may log and drop what is raised: no event is lost unnoticed.
        try:
            self._intake.event(kind, obj)
        except Exception as error:  # whatever it is, it ends the process
            if not self._failed.done():
                self._failed.set_exception(IntakeFailed(f"an event was not understood: {error!r}"))
                logger.exception("an event was not understood")

    async def _nothing(self, **_: Any) -> None:
        """kopf watches only what has a handler, and has no object to call it for."""


async def _value(of: Any) -> Any:
    return of


def _settings(resources: Iterable[ResourceType]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.queueing.exit_timeout = 0.5
    # kopf would kill the process some time after its tasks have ended, and ours lives on then.
    settings.process.ultimate_exiting_timeout = None
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = _RETRIES_SECONDS
    settings.watching.chunk_size = _LIST_PAGE
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.inactivity_timeout = GIVE_UP_SECONDS
    for resource in resources:
        if resource == SCORING_SERVICES:
            continue
        key = (resource.group, resource.version, resource.plural)  # a string would match nothing
        settings.watching.label_selectors[key] = LABEL_NAME
    return settings
