"""Leader election on a coordination.k8s.io/v1 Lease.

The rules are client-go's (tools/leaderelection): a candidate believes in its own clock only. It
takes the Lease over when the object has not changed for the holder's lease duration *as seen by
the candidate*, so clocks that differ between machines do no harm; the holder stops earlier than
anybody could take over, and asks `held()` before each write, so that a process which was paused
cannot write when it wakes up.

Unlike client-go's, a leader whose Lease ran out unrenewed (no CPU, no API server) does not end for
that alone: if the Lease still has its name nobody has led since, and it goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scoring_operator.kube.client import Client, Object
from scoring_operator.kube.errors import AlreadyExists, ApiError, Conflict, NotFound
from scoring_operator.kube.resources import ResourceType

LEASES = ResourceType("coordination.k8s.io/v1", "Lease", "leases")

logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another process leads, or may have led meanwhile."""


@dataclass(frozen=True)
class Timing:
    """Seconds. A killed leader is replaced after at most duration + 2 x retry."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    renew: float = 2.0
    retry: float = 1.0

    @property
    def attempt(self) -> float:
        """For how long one request is waited for: another one may get through where it hangs."""
        return self.renew_deadline / 3


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps, where the platform can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Elector:
    """One candidate: `acquire()`, then `hold()` until LeaseLost, at the end `release()`."""

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: Timing | None = None,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timing = timing or Timing()
        self._clock = clock
        self._lease: Object | None = None  # as last seen or written
        self._seen_at = clock()  # when it last changed before our eyes
        self._valid_until = float("-inf")

    def held(self) -> bool:
        """Whether this process leads at this moment, without asking anybody."""
        return self._clock() < self._valid_until

    async def acquire(self) -> None:
        """Wait until this process leads."""
        while not self.held():
            try:
                async with asyncio.timeout(self._timing.renew_deadline):
                    await self._try()
            except (ApiError, TimeoutError) as error:
                logger.warning(
                    "the Lease cannot be read or written: %s", error or type(error).__name__
                )
            if not self.held():
                await asyncio.sleep(self._timing.retry)
        logger.info("leading", extra={"identity": self._identity})

    async def hold(self) -> None:
        """Renew for as long as nobody else has led; raises LeaseLost at the end."""
        while True:
            await asyncio.sleep(min(self._timing.renew, max(0.0, self._left())))
            lapsed = not self.held()
            try:
                async with asyncio.timeout(self._timing.attempt):
                    await (self._reclaim() if lapsed else self._write())
            except (ApiError, TimeoutError) as error:
                logger.warning("the Lease is not renewed: %s", error or type(error).__name__)
                await asyncio.sleep(self._timing.retry)
                continue
            if self._lease is not None:  # while it is ours, one that was deleted is made anew
                self._must_be_ours()
            if lapsed and self.held():
                logger.warning(
                    "the Lease had run out; nobody else has led, so this process goes on"
                )

    async def _reclaim(self) -> None:
        """Renew what has run out, if nobody has led since: else its holder would not be us."""
        await self._look()
        self._must_be_ours()
        await self._write()

    def _must_be_ours(self) -> None:
        if self._holder() != self._identity:
            self._valid_until = float("-inf")
            raise LeaseLost(f"{self._holder() or 'nobody'} holds the Lease")

    async def release(self) -> None:
        """Let the next candidate in at once; harmless where the Lease is not ours."""
        if not self.held() or self._lease is None:
            return
        self._valid_until = float("-inf")
        try:
            async with asyncio.timeout(self._timing.renew_deadline):
                try:
                    await self._let_go(self._lease)
                except Conflict:  # our own renewal, which was under way
                    await self._look()
                    if self._lease is not None and self._holder() == self._identity:
                        await self._let_go(self._lease)
        except (ApiError, TimeoutError) as error:
            logger.warning("the Lease is not released: %s", error or type(error).__name__)
        else:
            logger.info("released the Lease", extra={"identity": self._identity})

    async def _let_go(self, lease: Object) -> None:
        spec = {"leaseTransitions": self._spec().get("leaseTransitions", 0)}
        await self._client.replace(LEASES, self._namespace, {**lease, "spec": spec})

    def _left(self) -> float:
        return self._valid_until - self._clock()

    def _spec(self) -> dict[str, Any]:
        return (self._lease or {}).get("spec") or {}

    def _holder(self) -> str:
        return str(self._spec().get("holderIdentity") or "")

    async def _try(self) -> None:
        """Take the Lease over, or create it, where we may; else only look at it."""
        await self._look()
        if self._lease is None or self._holder() in ("", self._identity) or self._expired():
            await self._write()

    async def _write(self) -> None:
        """Make ourselves the holder of the Lease as it was seen last."""
        started = self._clock()
        try:
            if self._lease is None:
                self._lease = await self._client.create(LEASES, self._namespace, self._record())
            else:
                self._lease = await self._client.replace(LEASES, self._namespace, self._record())
        except (Conflict, AlreadyExists, NotFound):
            await self._look()  # somebody was faster, or the Lease was edited or deleted
            return
        self._seen_at = started
        self._valid_until = started + self._timing.renew_deadline

    async def _look(self) -> None:
        try:
            lease: Object | None = await self._client.get(LEASES, self._namespace, self._name)
        except NotFound:
            lease = None
        if _version(lease) != _version(self._lease):
            self._seen_at = self._clock()
        self._lease = lease

    def _expired(self) -> bool:
        duration = float(self._spec().get("leaseDurationSeconds") or self._timing.duration)
        return self._clock() - self._seen_at > duration

    def _record(self) -> Object:
        """The Lease with us as its holder; its resourceVersion makes the write a precondition."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = self._spec()
        ours = self._holder() == self._identity
        transitions = int(spec.get("leaseTransitions") or 0)
        lease = self._lease or {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
        }
        return {
            **lease,
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": round(self._timing.duration),
                "acquireTime": spec.get("acquireTime", now) if ours else now,
                "renewTime": now,
                "leaseTransitions": transitions if ours or self._lease is None else transitions + 1,
            },
        }


def _version(lease: Object | None) -> str:
    return str((lease or {}).get("metadata", {}).get("resourceVersion", ""))
