"""Waiting for an API server that serves what we are going to watch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from scoring_operator.kube import ApiError, Client, NotFound, ResourceType

PAUSE_SECONDS = 2.0

logger = logging.getLogger(__name__)


async def wait_for_kinds(
    client: Client, kinds: Iterable[ResourceType], pause: float = PAUSE_SECONDS
) -> None:
    """Wait until all kinds are served: kopf looks for them once, and never again.

    Says in the log what is missing, once for each state: the API server, or the CRD.
    """
    told: object = None
    while missing := await _missing(client, list(kinds)):
        if missing != told:
            logger.warning("waiting for the API server: %s", missing)
            told = missing
        await asyncio.sleep(pause)


async def _missing(client: Client, kinds: list[ResourceType]) -> str:
    try:
        absent = [kind for kind in kinds if not await _is_served(client, kind)]
    except ApiError as error:
        return error.message
    names = ", ".join(f"{kind.kind} ({kind.api_version})" for kind in absent)
    return f"it does not serve {names}" if names else ""


async def _is_served(client: Client, kind: ResourceType) -> bool:
    try:
        return await client.discover(kind)
    except NotFound:
        return False
