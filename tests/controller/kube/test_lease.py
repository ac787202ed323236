"""Leader election: one leader at a time, whatever the clocks say."""

import asyncio
import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from scoring_operator.kube import AlreadyExists, ApiError, Client, Conflict, NotFound, Unreachable
from scoring_operator.kube.lease import Elector, LeaseLost, Timing
from tests.controller.virtual_time import VirtualTimeLoop

LOOP_FACTORY = VirtualTimeLoop
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


class HangingOnce(FakeLeases):
    """The next write gets no answer, once."""

    def __init__(self) -> None:
        super().__init__()
        self.hang = False

    async def replace(self, *arguments: Any) -> dict[str, Any]:
        if self.hang:
            self.hang = False
            await asyncio.sleep(60)
        return await super().replace(*arguments)


class SlowToAnswer(FakeLeases):
    """What is written is there at once, and answered later."""

    async def replace(self, *arguments: Any) -> dict[str, Any]:
        stored = await super().replace(*arguments)
        await asyncio.sleep(TIMING.renew)
        return stored


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


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.005)


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


async def test_a_lease_is_released_though_a_renewal_is_under_way() -> None:
    leases = SlowToAnswer()
    first = candidate(leases, "a")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    written = leases.writes
    await until(lambda: leases.writes > written)
    await first.release()
    assert "holderIdentity" not in leases.spec
    holding.cancel()


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


async def test_a_leader_that_slept_through_its_lease_does_not_lead_when_it_wakes() -> None:
    leases = FakeLeases()
    clock = Clock()
    first = candidate(leases, "a", clock)
    await first.acquire()
    clock.ahead = 3600
    assert not first.held(), "before anything else has run"


async def test_a_leader_whose_lease_ran_out_goes_on_if_nobody_has_led_since() -> None:
    leases = FakeLeases()
    first = candidate(leases, "a")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    leases.failure = Unreachable("no answer")
    await asyncio.sleep(2 * TIMING.renew_deadline)
    assert not first.held(), "nothing may be written meanwhile"
    leases.failure = None
    await until(first.held)
    assert not holding.done()
    assert leases.spec["leaseTransitions"] == 0
    holding.cancel()


@pytest.mark.parametrize("harm", ["taken", "released", "deleted"])
async def test_a_leader_whose_lease_ran_out_ends_if_somebody_may_have_led_since(
    harm: str,
) -> None:
    leases = FakeLeases()
    clock = Clock()
    first, second = candidate(leases, "a", clock), candidate(leases, "b")
    await first.acquire()
    if harm == "deleted":
        leases.lease = None
    else:
        await within(2 * TIMING.duration, second.acquire())
        if harm == "released":
            await second.release()
    clock.ahead = 3600
    with pytest.raises(LeaseLost, match="b holds" if harm == "taken" else "nobody holds"):
        await within(1, first.hold())
    assert not first.held()
    if harm != "deleted":
        assert leases.spec.get("holderIdentity") != "a", "nothing was written"


async def test_two_leaders_whose_lease_ran_out_at_once_do_not_both_go_on() -> None:
    leases = FakeLeases()
    first, second = candidate(leases, "a"), candidate(leases, "b")
    await first.acquire()
    holding, waiting = asyncio.create_task(first.hold()), asyncio.create_task(second.acquire())
    leases.failure = Unreachable("no answer")
    await asyncio.sleep(TIMING.duration + 2 * TIMING.retry)
    leases.failure = None
    await until(lambda: first.held() or second.held())
    for _ in range(200):
        assert not (first.held() and second.held())
        await asyncio.sleep(0.005)
    if second.held():
        with pytest.raises(LeaseLost):
            await holding
    for task in (holding, waiting):
        task.cancel()


async def test_a_renewal_that_hangs_is_tried_again_in_time() -> None:
    leases = HangingOnce()
    first = candidate(leases, "a")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    leases.hang = True
    for _ in range(100):
        assert first.held()
        await asyncio.sleep(TIMING.renew_deadline / 50)
    assert not leases.hang
    holding.cancel()


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
