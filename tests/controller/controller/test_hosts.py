"""Several services that ask for one host: the oldest has it, and the others learn when it goes."""

from __future__ import annotations

from typing import Any

import pytest

from scoring_operator.api import KIND
from scoring_operator.controller.hosts import HostClaims
from scoring_operator.kube import Conflict
from tests.controller.builders import resource
from tests.controller.controller.fakes import World

OLD, NEW, OTHER = ("ml", "old"), ("ml", "new"), ("shop", "other")
HOST = "faq.example.com"


def claim(created: str, host: str | None = HOST, path: str | None = None) -> dict[str, Any]:
    exposure = {"host": host, **({"path": path} if path else {})}
    spec = {"exposure": exposure} if host else {}
    return {"metadata": {"creationTimestamp": created}, "spec": spec}


def test_the_oldest_has_the_host_whoever_was_seen_first() -> None:
    claims = HostClaims()
    assert claims.update(NEW, claim("2026-02-01T00:00:00Z")) == set()
    assert claims.owner(NEW) is None
    assert claims.update(OLD, claim("2026-01-01T00:00:00Z")) == {NEW}
    assert claims.owner(NEW) == OLD
    assert claims.owner(OLD) is None


def test_of_equally_old_ones_the_first_by_name_has_it() -> None:
    claims = HostClaims()
    for key in (OTHER, OLD, NEW):
        claims.update(key, claim("2026-01-01T00:00:00Z"))
    assert claims.owner(OTHER) == claims.owner(OLD) == NEW


def test_a_loser_that_comes_or_goes_concerns_nobody() -> None:
    claims = HostClaims()
    claims.update(OLD, claim("2026-01-01T00:00:00Z"))
    assert claims.update(NEW, claim("2026-02-01T00:00:00Z")) == set()
    assert claims.update(NEW, None) == set()


@pytest.mark.parametrize(
    "after",
    [None, claim("2026-01-01T00:00:00Z", None), claim("2026-01-01T00:00:00Z", "a.example.com")],
    ids=["deleted", "exposed no more", "another host"],
)
def test_the_others_are_concerned_when_the_owner_goes(after: dict[str, Any] | None) -> None:
    claims = HostClaims()
    claims.update(OLD, claim("2026-01-01T00:00:00Z"))
    claims.update(NEW, claim("2026-02-01T00:00:00Z"))
    claims.update(OTHER, claim("2026-03-01T00:00:00Z"))
    assert claims.update(OLD, after) == {NEW, OTHER}
    assert claims.owner(NEW) is None
    assert claims.owner(OTHER) == NEW


def test_another_path_is_another_address_and_a_slash_at_its_end_is_not() -> None:
    claims = HostClaims()
    claims.update(OLD, claim("2026-01-01T00:00:00Z", path="/faq"))
    claims.update(NEW, claim("2026-02-01T00:00:00Z", path="/faq/"))
    claims.update(OTHER, claim("2026-03-01T00:00:00Z", path="/"))
    assert claims.owner(NEW) == OLD
    assert claims.owner(OTHER) is None
    claims.update(OTHER, claim("2026-03-01T00:00:00Z"))
    assert claims.owner(OTHER) is None, "the root needs no path"


@pytest.mark.parametrize("exposure", [None, [], "x", {}, {"host": ""}], ids=repr)
def test_a_spec_that_makes_no_sense_claims_nothing(exposure: Any) -> None:
    claims = HostClaims()
    assert claims.update(OLD, {"metadata": {}, "spec": {"exposure": exposure}}) == set()
    assert claims.owner(OLD) is None


def competitor(created: str = "2026-01-01T00:00:00Z", **exposure: Any) -> dict[str, Any]:
    found = resource({"exposure": {"host": HOST, **exposure}}, name="older")
    found["metadata"] |= {"creationTimestamp": created, "uid": "older"}
    return found


def contender(host: str = HOST, generation: int = 1) -> dict[str, Any]:
    found = resource({"exposure": {"host": host}}, generation=generation)
    found["metadata"]["creationTimestamp"] = "2026-02-01T00:00:00Z"
    return found


async def test_a_loser_gets_everything_but_its_exposure_and_is_told_who_has_the_host() -> None:
    world = World()
    world.user_applies(competitor())
    world.user_applies(contender())
    await world.settle()
    assert world.api.find("Deployment")
    assert ("Ingress", "ml", "faq") not in world.api.objects
    assert world.condition("Ready")["reason"] == "HostConflict"
    assert "ml/older" in world.condition("Ready")["message"]
    await world.look()
    assert world.api.calls == []


async def test_what_a_loser_exposed_before_is_left_as_it_is() -> None:
    world = World()
    world.user_applies(contender())
    await world.settle()
    before = world.api.find("Ingress")
    world.user_applies(competitor())
    changed = contender(generation=2)
    changed["spec"]["exposure"]["path"] = "/"
    world.user_applies(changed)
    await world.settle()
    assert world.api.find("Ingress") == before
    assert world.condition("Ready")["reason"] == "HostConflict"


async def test_a_loser_gets_its_exposure_when_the_owner_goes() -> None:
    world = World()
    world.user_applies(competitor())
    world.user_applies(contender())
    await world.settle()
    while world.queue.depth():
        world.queue.done(await world.queue.get() or ("", ""))
    world.intake.event("DELETED", world.api.objects.pop((KIND, "ml", "older")))
    assert {await world.queue.get(), await world.queue.get()} == {world.key, ("ml", "older")}
    await world.settle()
    assert world.api.find("Ingress")
    assert world.condition("Ready")["reason"] != "HostConflict"


async def test_others_learn_also_of_a_change_that_a_look_is_the_first_to_see() -> None:
    world = World()
    world.user_applies(contender("a.example.com"))
    younger = competitor("2026-03-01T00:00:00Z")
    world.user_applies(younger)
    while world.queue.depth():
        world.queue.done(await world.queue.get() or ("", ""))
    world.api.put(contender(generation=2))  # the watch has not reported it yet
    with pytest.raises(Conflict):
        await world.look()
    await world.look()
    assert world.queue.depth() == 1
    assert await world.queue.get() == ("ml", "older")
