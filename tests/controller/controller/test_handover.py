"""The replicas go from the operator to an autoscaler and back: in which order, and what may break.

That there is no dip is shown on the real API server (tests/e2e/test_api_handover.py); the API in
memory knows as much of field ownership as the order depends on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from scoring_operator.api import KIND
from scoring_operator.controller.objects import SCALE_MANAGER, holds_replicas
from scoring_operator.controller.reconcile import CONFLICT_SECONDS
from scoring_operator.kube import Conflict, Forbidden, Unreachable
from tests.controller.builders import resource
from tests.controller.controller.fakes import World

HPA = "HorizontalPodAutoscaler"
SCALING = {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}}
FIXED = {"replicas": 5}
SECURE = (SCALE_MANAGER, "Deployment")


async def settled(spec: dict[str, Any], world: World | None = None, generation: int = 1) -> World:
    world = world or World()
    world.user_applies(resource(spec, generation=generation))
    await world.settle()
    world.api.calls.clear()
    return world


def replicas(world: World) -> int:
    return int(world.api.find("Deployment")["spec"]["replicas"])


def scaled_by(world: World, number: int, manager: str = "kube-controller-manager") -> None:
    """Somebody scales the Deployment; the field is theirs then."""
    found = copy.deepcopy(world.api.find("Deployment"))
    found["spec"]["replicas"] = number
    for entry in found["metadata"]["managedFields"]:
        entry["fieldsV1"]["f:spec"].pop("f:replicas", None)
    entry = {"manager": manager, "operation": "Update", "subresource": "scale"}
    entry["fieldsV1"] = {"f:spec": {"f:replicas": {}}}
    found["metadata"]["managedFields"].append(entry)
    world.intake.event("MODIFIED", world.api.put(found))


def children_writes(world: World) -> list[tuple[str, str]]:
    return [call for call in world.api.writes() if call[1] in ("Deployment", HPA)]


async def test_at_first_the_deployment_starts_with_the_fewest_and_the_hpa_comes_last() -> None:
    world = World()
    world.user_applies(resource(SCALING))
    await world.look()
    assert children_writes(world) == [("apply", "Deployment"), SECURE, ("apply", HPA)]
    assert replicas(world) == 2


async def test_a_new_deployment_that_its_controller_changes_meanwhile_costs_no_second_try() -> None:
    world = World()
    world.user_applies(resource(SCALING))
    touch: Callable[[], object] = lambda: world.api.put(world.api.find("Deployment"))  # noqa: E731 - read at that time
    world.api.before[SECURE] = touch
    await world.look()
    assert children_writes(world) == [("apply", "Deployment"), SECURE, ("apply", HPA)]
    assert world.api.calls.count(("get", "Deployment")) == 1, "whether its name is free"


async def test_on_the_live_number_is_held_before_ours_is_dropped() -> None:
    world = await settled(FIXED)
    scaled_by(world, 7, "kubectl")  # not seen yet: the number is read afresh
    world.user_applies(resource(SCALING, generation=2))
    await world.look()
    assert children_writes(world) == [SECURE, ("apply", "Deployment"), ("apply", HPA)]
    assert replicas(world) == 7


async def test_off_the_hpa_goes_first_and_the_second_manager_last() -> None:
    world = await settled(SCALING)
    world.user_applies(resource(FIXED, generation=2))
    await world.look()
    assert children_writes(world) == [("delete", HPA), ("apply", "Deployment"), SECURE]
    assert replicas(world) == 5
    assert not holds_replicas(world.api.find("Deployment"))


async def test_while_the_autoscaler_decides_nothing_of_it_is_read_or_written() -> None:
    world = await settled(SCALING)
    scaled_by(world, 8)
    await world.look()
    assert world.api.writes() in ([], [("patch", KIND)])
    await world.look()
    assert world.api.calls == []
    assert replicas(world) == 8
    world.user_applies(resource({**SCALING, "rollout": {"drainSeconds": 30}}, generation=2))
    await world.look()
    assert ("apply", "Deployment") in world.api.writes()


async def test_a_deployment_at_zero_is_put_back_to_the_fewest() -> None:
    world = await settled(SCALING)
    scaled_by(world, 0, "kubectl")
    await world.look()
    assert children_writes(world) == [SECURE]
    assert replicas(world) == 2
    await world.settle()


async def test_an_hpa_that_a_stranger_deleted_comes_back_at_the_live_number() -> None:
    world = await settled(SCALING)
    scaled_by(world, 6)
    world.intake.event("DELETED", world.api.objects.pop((HPA, "ml", "faq")))
    await world.look()
    assert children_writes(world) == [SECURE, ("apply", HPA)]
    assert replicas(world) == 6


async def test_suspend_and_resume() -> None:
    world = await settled(SCALING)
    scaled_by(world, 6)
    await settled({**SCALING, "suspend": True}, world, generation=2)
    assert replicas(world) == 0
    assert (HPA, "ml", "faq") not in world.api.objects
    await settled(SCALING, world, generation=3)
    assert replicas(world) == 2
    assert world.api.find(HPA)


async def test_where_a_stranger_has_the_hpas_name_the_number_is_held_once() -> None:
    world = World()
    metadata = {"name": "faq", "namespace": "ml"}
    foreign = {"apiVersion": "autoscaling/v2", "kind": HPA, "metadata": metadata, "spec": {}}
    world.api.put(foreign)
    await settled(FIXED, world)
    await settled(SCALING, world, generation=2)
    assert replicas(world) == 5
    await world.look()
    assert world.api.writes() == []
    assert world.condition("Stalled")["reason"] == "NameConflict"


async def test_no_hpa_is_made_for_a_strangers_deployment() -> None:
    world = World()
    metadata = {"name": "faq", "namespace": "ml"}
    world.api.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {}})
    await settled(SCALING, world)
    assert (HPA, "ml", "faq") not in world.api.objects


async def test_no_hpa_is_made_while_the_deployment_still_says_a_number() -> None:
    world = await settled(FIXED)
    world.user_applies(resource(SCALING, generation=2))
    world.api.failures["apply", "Deployment"] = Forbidden("admission webhook denied the request")
    await world.look()
    assert (HPA, "ml", "faq") not in world.api.objects
    assert replicas(world) == 5
    world.api.failures.clear()
    await world.settle()
    assert world.api.find(HPA)
    assert replicas(world) == 5


async def test_where_the_number_cannot_be_held_nothing_is_handed_over_and_that_is_told() -> None:
    world = await settled(FIXED)
    world.user_applies(resource(SCALING, generation=2))
    world.api.failures[SECURE] = Forbidden("admission webhook denied the request: no")
    await world.look()
    assert children_writes(world) == [SECURE]
    assert replicas(world) == 5
    assert world.condition("Ready")["reason"] == "AdmissionDenied"
    world.api.failures.clear()
    await world.settle()
    assert replicas(world) == 5
    assert world.api.find(HPA)


async def test_a_deployment_that_goes_meanwhile_is_no_sign_of_the_resources_end() -> None:
    world = await settled(SCALING)
    scaled_by(world, 0, "kubectl")
    gone = world.api.objects.pop(("Deployment", "ml", "faq"))
    with pytest.raises(Conflict):
        await world.look()
    world.intake.event("DELETED", gone)
    await world.settle()
    assert replicas(world) == 2


async def test_our_number_waits_until_the_hpa_is_gone() -> None:
    world = await settled(SCALING)
    changed = copy.deepcopy(world.api.find(HPA))
    changed["status"] = {"currentReplicas": 2}
    world.api.put(changed)  # the watch has not reported it yet
    world.user_applies(resource(FIXED, generation=2))
    assert await world.look() == CONFLICT_SECONDS
    assert children_writes(world) == [("delete", HPA)]
    assert replicas(world) == 2
    await world.settle()
    assert replicas(world) == 5


async def test_a_deployment_that_changes_all_the_time_is_read_again() -> None:
    world = await settled(FIXED)
    world.user_applies(resource(SCALING, generation=2))
    touch: Callable[[], object] = lambda: world.api.put(world.api.find("Deployment"))  # noqa: E731 - read at that time
    world.api.before[SECURE] = touch
    await world.look()
    assert children_writes(world)[:3] == [SECURE, SECURE, ("apply", "Deployment")]
    assert replicas(world) == 5


@pytest.mark.parametrize("failing", [SECURE, ("apply", "Deployment"), ("apply", HPA)])
@pytest.mark.parametrize("error", [Unreachable("no answer"), Conflict("changed")], ids=repr)
async def test_on_a_look_that_ends_between_two_steps_is_finished_by_the_next(
    failing: tuple[str, str], error: Exception
) -> None:
    world = await settled(FIXED)
    world.user_applies(resource(SCALING, generation=2))
    await _broken(world, failing, error)
    assert replicas(world) == 5
    await world.settle()
    assert replicas(world) == 5
    assert world.api.find(HPA)
    assert holds_replicas(world.api.find("Deployment"))


@pytest.mark.parametrize("failing", [("delete", HPA), ("apply", "Deployment"), SECURE])
async def test_off_a_look_that_ends_between_two_steps_is_finished_by_the_next(
    failing: tuple[str, str],
) -> None:
    world = await settled(SCALING)
    scaled_by(world, 5)
    await settled({**SCALING, "rollout": {"drainSeconds": 30}}, world, generation=2)
    world.user_applies(resource(FIXED, generation=3))
    await _broken(world, failing, Unreachable("no answer"))
    await world.settle()
    assert replicas(world) == 5
    assert (HPA, "ml", "faq") not in world.api.objects
    assert not holds_replicas(world.api.find("Deployment"))


async def test_a_release_that_failed_is_done_by_the_next_look() -> None:
    world = await settled(SCALING)  # the autoscaler has not scaled yet: the number is still held
    world.user_applies(resource(FIXED, generation=2))
    await _broken(world, SECURE, Unreachable("no answer"))
    assert holds_replicas(world.api.find("Deployment"))
    await world.settle()
    assert not holds_replicas(world.api.find("Deployment"))
    assert replicas(world) == 5


async def _broken(world: World, failing: tuple[str, str], error: Any) -> None:
    """A look in which one kind of request fails; then another process goes on."""
    world.api.failures[failing] = error
    try:
        await world.look()
    except type(error):
        pass
    world.api.failures.clear()
    world.sync()
    world.reconciler = world.new_reconciler()
