"""Leader election: one leader at a time, whatever the clocks say."""

import asyncio
import copy
import itertools
from collections.abc import Mapping
from typing import Any, cast

import pytest

from scoring_operator.kube import AlreadyExists, ApiError, Client, Conflict, NotFound, Unreachable
from scoring_operator.kube.lease import Elector, LeaseLost, Timing

# The duration in whole seconds, as the API has it.
TIMING = Timing(duration=1.0, renew_deadline=0.4, renew=0.05, retry=0.05)


class FakeLeases:
    """The Lease of an API server, with its optimistic concurrency."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.failure: ApiError | None = None
        self.reads = self.writes = 0
        self._versions = itertools.count(1)

    async def get(self, *_: object) -> dict[str, Any]:
        self.reads += 1
        self._fail()
        if self.lease is None:
            raise NotFound("no such Lease")
        return copy.deepcopy(self.lease)

    async def create(self, _: object, __: object, lease: Mapping[str, Any]) -> dict[str, Any]:
        self._fail()
        if self.lease is not None:
            raise AlreadyExists("there is one")
        return self._store(lease)

    async def replace(self, _: object, __: object, lease: Mapping[str, Any]) -> dict[str, Any]:
        self._fail()
        if self.lease is None:
            raise NotFound("no such Lease")
        if lease["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise Conflict("modified")
        return self._store(lease)

    def _store(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        self.writes += 1
        self.lease = copy.deepcopy(dict(lease))
        self.lease["metadata"]["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(self.lease)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        spec: dict[str, Any] = self.lease["spec"]
        return spec


class Clock:
    """The event loop's time, plus what this candidate's clock is wrong by."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


def candidate(leases: FakeLeases, name: str, clock: Clock | None = None) -> Elector:
    return Elector(
        cast("Client", leases),
        namespace="ops",
        name="operator",
        identity=name,
        timing=TIMING,
        clock=clock or Clock(),
    )


async def within(seconds: float, coroutine: Any) -> None:
    await asyncio.wait_for(coroutine, seconds)


async def test_the_first_candidate_leads_at_once() -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    assert not first.held()
    await within(0.2, first.acquire())
    assert first.held()
    assert leases.spec["holderIdentity"] == "a"
    assert leases.spec["leaseTransitions"] == 0


async def test_while_one_renews_the_other_stands_by() -> None:
    leases = FakeLeases()
    first, second = candidate(leases, "a"), candidate(leases, "b")
    await first.acquire()
    holding, waiting = asyncio.create_task(first.hold()), asyncio.create_task(second.acquire())
    await asyncio.sleep(3 * TIMING.duration)
    assert first.held()
    assert not second.held()
    for task in (holding, waiting):
        task.cancel()


async def test_a_leader_that_renews_reads_nothing() -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    await first.acquire()
    reads = leases.reads
    holding = asyncio.create_task(first.hold())
    await asyncio.sleep(0.3)
    holding.cancel()
    assert leases.writes >= 3
    assert leases.reads == reads


async def test_a_released_lease_is_taken_over_at_once() -> None:
    leases = FakeLeases()
    first, second = candidate(leases, "a"), candidate(leases, "b")
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(0.1)
    await first.release()
    assert not first.held()
    await within(3 * TIMING.retry, waiting)
    assert leases.spec["holderIdentity"] == "b"
    assert leases.spec["leaseTransitions"] == 1


async def test_a_leader_that_vanished_is_replaced_after_its_lease() -> None:
    leases = FakeLeases()
    first, second = candidate(leases, "a"), candidate(leases, "b")
    await first.acquire()
    loop = asyncio.get_running_loop()
    started = loop.time()
    await within(TIMING.duration + 4 * TIMING.retry, second.acquire())
    assert loop.time() - started >= TIMING.duration


@pytest.mark.parametrize("ahead", [-1e6, 1e6])
async def test_a_candidate_whose_clock_is_wrong_takes_nothing_from_a_live_leader(
    ahead: float,
) -> None:
    leases = FakeLeases()
    wrong = Clock()
    wrong.ahead = ahead
    first, second = candidate(leases, "a"), candidate(leases, "b", wrong)
    await first.acquire()
    holding, waiting = asyncio.create_task(first.hold()), asyncio.create_task(second.acquire())
    await asyncio.sleep(2 * TIMING.duration)
    assert first.held()
    assert not second.held()
    for task in (holding, waiting):
        task.cancel()


async def test_a_leader_stops_before_anybody_could_take_over() -> None:
    leases = FakeLeases()
    first, second = candidate(leases, "a"), candidate(leases, "b")
    await first.acquire()  # and never renews
    waiting = asyncio.create_task(second.acquire())
    while not second.held():
        assert not (first.held() and second.held())
        await asyncio.sleep(0.005)
    assert not first.held()
    await waiting


async def test_a_leader_that_slept_through_its_lease_gives_up_when_it_wakes() -> None:
    leases = FakeLeases()
    clock = Clock()
    first = candidate(leases, "a", clock)
    await first.acquire()
    clock.ahead = 3600
    assert not first.held(), "before anything else has run"
    with pytest.raises(LeaseLost):
        await within(1, first.hold())


async def test_a_lease_that_cannot_be_renewed_is_lost_at_the_deadline() -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    await first.acquire()
    leases.failure = Unreachable("no answer")
    with pytest.raises(LeaseLost):
        await within(2 * TIMING.renew_deadline, first.hold())
    assert not first.held()


async def test_a_short_outage_costs_nothing() -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    leases.failure = Unreachable("no answer")
    await asyncio.sleep(TIMING.renew_deadline / 2)
    leases.failure = None
    await asyncio.sleep(2 * TIMING.renew_deadline)
    assert first.held()
    assert not holding.done()
    holding.cancel()


async def test_a_lease_that_somebody_else_has_taken_is_lost() -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    await first.acquire()
    assert leases.lease is not None
    stolen = copy.deepcopy(leases.lease)
    stolen["spec"]["holderIdentity"] = "thief"
    await leases.replace(None, None, stolen)
    with pytest.raises(LeaseLost, match="thief"):
        await within(1, first.hold())
    assert not first.held()


@pytest.mark.parametrize("harm", ["edited", "deleted"])
async def test_a_lease_that_was_edited_or_deleted_is_made_good(harm: str) -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    if harm == "deleted":
        leases.lease = None
    else:
        assert leases.lease is not None
        edited = copy.deepcopy(leases.lease)
        edited["metadata"]["annotations"] = {"note": "hands off"}
        await leases.replace(None, None, edited)
    await asyncio.sleep(2 * TIMING.renew_deadline)
    assert first.held()
    assert not holding.done()
    assert leases.spec["holderIdentity"] == "a"
    holding.cancel()


async def test_two_candidates_at_the_same_moment_make_one_leader() -> None:
    leases = FakeLeases()
    both = [candidate(leases, name) for name in "ab"]
    await asyncio.wait(
        [asyncio.create_task(elector.acquire()) for elector in both],
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert [elector.held() for elector in both].count(True) == 1


async def test_releasing_what_one_does_not_hold_changes_nothing() -> None:
    leases = FakeLeases()
    first, second = candidate(leases, "a"), candidate(leases, "b")
    await first.acquire()
    await second.release()
    assert leases.spec["holderIdentity"] == "a"
