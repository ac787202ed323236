"""One look at a resource: what it reads, what it writes, what it leaves alone."""

import asyncio
import copy
from typing import Any

import pytest

from scoring_operator.api import KIND
from scoring_operator.controller import reconcile
from scoring_operator.controller.reconcile import (
    CONFLICT_SECONDS,
    SETTLE_SECONDS,
    WAITING_SECONDS,
)
from scoring_operator.kube import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ServerError,
    Unreachable,
)
from scoring_operator.manifests import Platform, render
from tests.controller.builders import pod, resource, service, waiting
from tests.controller.controller.fakes import World

CHILDREN = ("Service", "Deployment")


async def settled(spec: dict[str, Any] | None = None) -> World:
    world = World()
    world.user_applies(resource(spec))
    await world.settle()
    world.api.calls.clear()
    return world


async def test_a_new_resource_gets_its_children_with_few_requests() -> None:
    world = World()
    world.user_applies(resource())
    assert await world.look() == SETTLE_SECONDS
    kinds = [manifest["kind"] for manifest in render(service(), Platform())]
    assert {"Service", "Deployment"} < set(kinds)
    served = [kind for kind in kinds if kind in world.served]
    assert world.api.calls[: 1 + len(served)] == [
        ("patch", KIND),
        *(("get", kind) for kind in served),
    ]
    assert sorted(world.api.calls[1 + len(served) :]) == sorted(("apply", kind) for kind in served)


async def test_children_that_do_not_depend_on_one_another_are_written_at_the_same_time() -> None:
    world = World()
    world.user_applies(resource())
    apply = world.api.apply
    begun = asyncio.Event()

    async def entangled(resource: Any, manifest: Any, **how: Any) -> Any:
        if resource.kind == "Service":
            await asyncio.wait_for(begun.wait(), 10)
        else:
            begun.set()
        return await apply(resource, manifest, **how)

    world.api.apply = entangled  # type: ignore[method-assign]
    await world.look()
    assert world.api.find("Service")


async def test_the_new_generation_is_reconciling_before_the_first_child_changes() -> None:
    world = World()
    world.user_applies(resource(generation=3))
    seen = {}

    def peek() -> None:
        seen.update(copy.deepcopy(world.status))

    world.api.before["apply", "Service"] = peek
    await world.look()
    conditions = {item["type"]: item["status"] for item in seen["conditions"]}
    assert seen["observedGeneration"] == 3
    assert conditions["Reconciling"] == "True"
    assert conditions["Ready"] == "False"


async def test_where_all_is_as_it_should_be_a_look_costs_no_request() -> None:
    world = await settled()
    again = await world.look()
    assert world.api.calls == []
    assert again == pytest.approx(600)


async def test_a_restart_where_all_is_as_it_should_be_costs_no_request() -> None:
    world = await settled()
    world.reconciler = world.new_reconciler()
    await world.look()
    assert world.api.calls == []


async def report(world: World, **status: int) -> None:
    """The Deployment reports its roll-out."""
    deployment = copy.deepcopy(world.api.find("Deployment"))
    deployment["status"] = {"observedGeneration": 1, **status}
    world.intake.event("MODIFIED", world.api.put(deployment))


async def test_counts_that_change_often_are_written_at_most_once_a_second() -> None:
    world = await settled({"replicas": 3})
    await report(world, replicas=3)
    await world.look()
    assert world.status["replicas"] == 3
    await report(world, replicas=3, updatedReplicas=1)
    again = await world.look(later=0.25)
    assert world.api.calls == []
    assert again == pytest.approx(0.75)
    await world.look(later=0.75)
    assert world.status["updatedReplicas"] == 1


async def test_the_first_status_says_what_is_known_and_the_next_one_what_has_happened() -> None:
    world = World()
    world.user_applies(resource())
    await world.look()
    assert {kind: world.condition(kind)["status"] for kind in ("Available", "ModelLoaded")} == {
        "Available": "False",
        "ModelLoaded": "False",
    }
    assert world.condition("Ready")["message"] == "the change is being applied"
    assert world.status["internalURL"] == "http://faq.ml.svc/score"
    world.sync()
    await report(world, replicas=1)
    assert await world.look(later=SETTLE_SECONDS) == pytest.approx(1 - SETTLE_SECONDS)
    assert world.api.calls == []
    await report(world, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    await world.look(later=0.1)
    assert world.condition("Ready")["status"] == "True"
    assert world.api.calls == [("patch", KIND)]


async def test_what_the_autoscaler_says_of_itself_is_written_at_most_once_a_second() -> None:
    world = await settled({"autoscaling": {"minReplicas": 1, "maxReplicas": 3}})
    await report(world, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    await world.look()
    assert world.condition("AutoscalingActive")["reason"] == "WaitingForAutoscaler"
    scaler = copy.deepcopy(world.api.find("HorizontalPodAutoscaler"))
    active = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}
    scaler["status"] = {"conditions": [active]}
    world.intake.event("MODIFIED", world.api.put(scaler))
    assert await world.look(later=0.25) == pytest.approx(0.75)
    assert world.api.calls == []
    await world.look(later=0.75)
    assert world.condition("AutoscalingActive")["status"] == "True"


async def test_what_is_news_is_written_at_once() -> None:
    world = await settled()
    await report(world, replicas=1)
    await world.look()
    await report(world, replicas=1, updatedReplicas=1, readyReplicas=1, availableReplicas=1)
    await world.look(later=0.01)
    assert world.condition("Ready")["status"] == "True"


async def test_a_change_of_the_spec_is_applied_over_the_known_child() -> None:
    world = await settled({"replicas": 2})
    world.user_applies(resource({"replicas": 3}, generation=2))
    await world.look()
    assert world.api.calls == [("patch", KIND), ("apply", "Deployment")]
    assert world.api.find("Deployment")["spec"]["replicas"] == 3
    assert world.status["observedGeneration"] == 2


async def test_new_defaults_of_the_operator_reach_running_services() -> None:
    world = await settled()
    world.reconciler = world.new_reconciler(Platform(cpu_image="scoring:next"))
    await world.look()
    assert world.api.writes()[0] == ("apply", "Deployment"), "no new generation: nothing to begin"
    template = world.api.find("Deployment")["spec"]["template"]["spec"]
    assert template["containers"][0]["image"] == "scoring:next"


@pytest.mark.parametrize("kind", CHILDREN)
async def test_an_edited_child_is_put_right(kind: str) -> None:
    world = await settled()
    wanted = copy.deepcopy(world.api.find(kind)["spec"])
    edited = copy.deepcopy(world.api.find(kind))
    edited["spec"].pop("selector")
    world.intake.event("MODIFIED", world.api.put(edited))
    await world.look()
    assert ("apply", kind) in world.api.writes()
    assert world.api.find(kind)["spec"] == wanted


def edited_by_a_stranger(world: World) -> None:
    """Somebody puts an entry where only ours can be, so that an apply alone is refused."""
    edited = copy.deepcopy(world.api.find("Deployment"))
    (container,) = edited["spec"]["template"]["spec"]["containers"]
    container["ports"].append({"name": "http", "containerPort": 9999, "protocol": "TCP"})
    world.intake.event("MODIFIED", world.api.put(edited))

    def refuse() -> None:
        raise Invalid('Deployment.apps "faq" is invalid: ports[1].name: Duplicate value: "http"')

    world.api.before["apply", "Deployment"] = refuse


async def test_what_a_strangers_edit_left_is_taken_out_of_what_its_controller_made_of_it() -> None:
    world = await settled()
    wanted = copy.deepcopy(world.api.find("Deployment")["spec"])
    edited_by_a_stranger(world)

    def rolls_out() -> None:
        live = copy.deepcopy(world.api.find("Deployment"))
        live["status"] = {"observedGeneration": 2}
        world.api.put(live)  # no watch has shown it yet

    world.api.before["patch", "Deployment"] = rolls_out
    assert await world.look() != CONFLICT_SECONDS, "in one look"
    assert [call for call in world.api.calls if call[1] == "Deployment"] == [
        ("apply", "Deployment"),
        ("get", "Deployment"),
        ("patch", "Deployment"),
        ("get", "Deployment"),
        ("patch", "Deployment"),
        ("apply", "Deployment"),
    ]
    assert world.api.find("Deployment")["spec"] == wanted


@pytest.mark.parametrize("change", ["another", "adopted", "gone"])
@pytest.mark.parametrize("before", [("get", "Deployment"), ("patch", "Deployment")], ids=" ".join)
async def test_nothing_is_taken_out_of_an_object_that_is_not_ours_any_more(
    change: str, before: tuple[str, str]
) -> None:
    world = await settled()
    edited_by_a_stranger(world)

    def comes() -> None:
        other = copy.deepcopy(world.api.find("Deployment"))
        if change == "gone":
            del world.api.objects["Deployment", "ml", "faq"]
            return
        if change == "another":
            other["metadata"]["uid"] = "stranger"
        else:
            other["metadata"]["ownerReferences"][0]["kind"] = "Other"
        world.api.put(other)

    world.api.before[before] = comes
    assert await world.look() == CONFLICT_SECONDS
    if change != "gone":
        assert world.api.calls.count(("apply", "Deployment")) == 1
        ports = world.api.find("Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]
        assert len(ports) == 2


@pytest.mark.parametrize("kind", CHILDREN)
async def test_a_deleted_child_comes_back(kind: str) -> None:
    world = await settled()
    world.intake.event("DELETED", world.api.objects.pop((kind, "ml", "faq")))
    await world.look()
    assert world.api.calls[:2] == [("get", KIND), ("get", kind)]
    assert ("apply", kind) in world.api.writes()


@pytest.mark.parametrize("lost", ["labels", "ownerReferences", "annotations"])
async def test_a_child_that_was_stripped_is_still_ours(lost: str) -> None:
    world = await settled()
    stripped = copy.deepcopy(world.api.find("Service"))
    before = stripped["metadata"].pop(lost)
    stored = world.api.put(stripped)
    # Without its label it leaves the watch, which reports it as deleted.
    world.intake.event("DELETED" if lost == "labels" else "MODIFIED", stored)
    await world.look()
    assert ("apply", "Service") in world.api.writes()
    assert world.api.find("Service")["metadata"][lost] == before


@pytest.mark.parametrize("same", [False, True], ids=["different", "with our fields"])
async def test_a_foreign_child_is_left_alone_and_reported_and_stops_nothing_else(
    same: bool,
) -> None:
    world = World()
    foreign: dict[str, Any] = {"apiVersion": "v1", "kind": "Service"}
    foreign |= {"metadata": {"name": "faq", "namespace": "ml"}, "spec": {"mine": True}}
    if same:
        other = await settled()
        foreign = copy.deepcopy(other.api.find("Service"))
        del foreign["metadata"]["ownerReferences"], foreign["metadata"]["managedFields"]
    before = world.api.put(foreign)
    world.user_applies(resource())
    world.sync()
    await world.settle()
    assert world.api.find("Service") == before
    assert world.api.find("Deployment")
    assert world.condition("Ready")["reason"] == "NameConflict"
    assert "Service faq" in world.condition("Stalled")["message"]


async def test_the_name_conflict_clears_itself_when_the_stranger_goes() -> None:
    world = World()
    world.api.put(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "faq", "namespace": "ml"},
            "spec": {},
        }
    )
    world.user_applies(resource())
    await world.settle()
    del world.api.objects["Service", "ml", "faq"]
    await world.settle()
    assert world.api.find("Service")["metadata"]["ownerReferences"]
    assert world.condition("Stalled") == {}


async def test_a_stranger_that_comes_between_read_and_write_is_given_back() -> None:
    world = World()
    world.user_applies(resource())
    stranger = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "faq",
            "namespace": "ml",
            "managedFields": [
                {"manager": "helm", "operation": "Update", "fieldsV1": {"f:spec": {}}}
            ],
        },
        "spec": {},
    }
    world.api.before["apply", "Service"] = lambda: world.api.put(stranger)
    await world.look()
    assert world.api.calls.count(("apply", "Service")) == 2, "the second one gives it back"
    assert world.condition("Stalled")["reason"] == "NameConflict"


async def test_a_stranger_that_took_the_place_of_a_known_child_is_not_taken_over() -> None:
    world = await settled()
    edited = copy.deepcopy(world.api.find("Service"))
    edited["spec"] = {}
    world.intake.event("MODIFIED", world.api.put(edited))
    stranger = {"apiVersion": "v1", "kind": "Service", "spec": {"mine": True}}
    stranger["metadata"] = {"name": "faq", "namespace": "ml", "uid": "stranger"}
    world.api.put(stranger)  # re-created; the watch has not said so yet
    assert await world.look() == CONFLICT_SECONDS
    await world.look()
    assert world.api.find("Service")["spec"] == {"mine": True}
    assert world.condition("Stalled")["reason"] == "NameConflict"


async def test_a_child_of_an_earlier_resource_of_that_name_must_go_first() -> None:
    world = await settled()
    again = resource()
    again["metadata"]["uid"] = "second"
    del world.api.objects[KIND, "ml", "faq"]
    world.user_applies(again)
    assert await world.look() == WAITING_SECONDS
    assert [call for call in world.api.writes() if call[0] == "apply"] == []
    for kind in CHILDREN:  # garbage collection
        world.intake.event("DELETED", world.api.objects.pop((kind, "ml", "faq")))
    await world.settle()
    for kind in CHILDREN:
        assert world.api.find(kind)["metadata"]["ownerReferences"][0]["uid"] == "second"


async def test_a_child_that_is_being_deleted_is_not_written_to() -> None:
    world = await settled()
    leaving = copy.deepcopy(world.api.find("Deployment"))
    leaving["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    leaving["spec"]["replicas"] = 9
    world.intake.event("MODIFIED", world.api.put(leaving))
    assert await world.look() == WAITING_SECONDS
    assert ("apply", "Deployment") not in world.api.calls


async def test_what_is_ours_and_no_longer_wanted_is_deleted() -> None:
    world = await settled()
    surplus = copy.deepcopy(world.api.find("Service"))
    surplus["metadata"] |= {"name": "faq-old", "uid": "old"}
    stranger = copy.deepcopy(surplus)
    stranger["metadata"] |= {"name": "faq-foreign", "uid": "foreign"}
    del stranger["metadata"]["ownerReferences"], stranger["metadata"]["managedFields"]
    world.api.put(surplus)
    world.api.put(stranger)
    world.sync()
    await world.look()
    assert ("Service", "ml", "faq-old") not in world.api.objects
    assert ("Service", "ml", "faq-foreign") in world.api.objects


async def test_nothing_is_deleted_that_has_changed_since_it_was_seen() -> None:
    world = await settled()
    surplus = copy.deepcopy(world.api.find("Service"))
    surplus["metadata"] |= {"name": "faq-old", "uid": "old"}
    world.api.put(surplus)
    world.sync()
    world.api.put(surplus)  # a new version, which the watch has not reported yet
    assert await world.look() == CONFLICT_SECONDS
    assert ("Service", "ml", "faq-old") in world.api.objects
    await world.look()  # the watch may have told of the change before
    assert ("Service", "ml", "faq-old") not in world.api.objects


@pytest.mark.parametrize("gone", ["deleted", "being deleted", "unseen"])
async def test_a_resource_that_goes_is_left_to_garbage_collection(gone: str) -> None:
    world = World()
    stored = world.user_applies(resource())
    if gone == "deleted":
        world.intake.event("DELETED", stored)
    elif gone == "being deleted":
        stored["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
        world.intake.event("MODIFIED", world.api.put(stored))
    else:
        del world.api.objects[KIND, "ml", "faq"]
    assert await world.look() is None
    assert {kind for _, kind in world.api.writes()} <= {KIND}, "where it is gone, that is refused"
    assert set(world.api.objects) <= {(KIND, "ml", "faq")}


async def test_an_invalid_resource_is_reported_and_what_runs_is_left_as_it_is() -> None:
    world = await settled()
    bad = resource({"model": {"type": "tea-leaves"}}, generation=2)
    world.user_applies(bad)
    before = copy.deepcopy(world.api.find("Deployment"))
    await world.look()
    assert world.api.calls == [("patch", KIND)]
    assert world.api.find("Deployment") == before
    assert world.condition("Stalled")["reason"] == "InvalidSpec"
    assert "spec.model.type" in world.condition("Stalled")["message"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Forbidden('deployments "faq" is forbidden: exceeded quota: q'), "QuotaExceeded"),
        (Forbidden('admission webhook "w" denied the request: no'), "AdmissionDenied"),
        (BadRequest('admission webhook "w" denied the request: no'), "AdmissionDenied"),
        (Invalid("ValidatingAdmissionPolicy 'p' denied request: no"), "AdmissionDenied"),
        (Forbidden('User "x" cannot patch resource "deployments"'), "AdmissionDenied"),
        (Invalid('Deployment.apps "faq" is invalid: spec.x'), "InvalidSpec"),
    ],
    ids=lambda value: value.message[:40] if isinstance(value, ApiError) else value,
)
async def test_a_refused_child_is_reported_and_the_others_go_on(
    error: ApiError, reason: str
) -> None:
    world = World()
    world.user_applies(resource())
    world.api.failures["apply", "Service"] = error
    await world.look()
    assert world.api.find("Deployment")
    assert world.condition("Ready")["reason"] == reason
    assert error.message in world.condition("Ready")["message"]


@pytest.mark.parametrize("error", [ServerError("boom"), Unreachable("no answer")])
async def test_an_error_that_says_nothing_of_the_child_is_for_a_retry(error: ApiError) -> None:
    world = World()
    world.user_applies(resource())
    world.api.failures["apply", "Service"] = error
    with pytest.raises(type(error)):
        await world.look()
    world.api.failures.clear()
    await world.settle()
    assert world.api.find("Deployment")


async def test_in_a_namespace_that_ends_nothing_is_tried_again() -> None:
    world = World()
    world.user_applies(resource())
    world.api.failures["apply", "Service"] = Forbidden(
        "forbidden: unable to create new content in namespace ml because it is being terminated",
        causes=[{"reason": "NamespaceTerminating"}],
    )
    assert await world.look() is None


def edit_unseen(world: World, *, replicas: int, generation: int) -> None:
    """Change the resource; the watch has not reported it yet."""
    newer = copy.deepcopy(world.api.find(KIND))
    newer["spec"]["replicas"] = replicas
    newer["metadata"]["generation"] = generation
    world.api.put(newer)


async def test_a_status_write_from_a_stale_view_is_refused_and_done_again_from_a_fresh_one() -> (
    None
):
    world = await settled()
    deployment = copy.deepcopy(world.api.find("Deployment"))
    deployment["status"] = {"replicas": 1, "observedGeneration": 1}
    world.intake.event("MODIFIED", world.api.put(deployment))
    edit_unseen(world, replicas=4, generation=2)
    with pytest.raises(Conflict):
        await world.look()
    await world.look()
    assert world.api.calls[0] == ("get", KIND)
    assert world.status["observedGeneration"] == 2
    assert world.api.find("Deployment")["spec"]["replicas"] == 4


async def test_a_new_generation_that_is_not_the_newest_changes_no_child() -> None:
    world = await settled({"replicas": 2})
    world.user_applies(resource({"replicas": 3}, generation=2))
    edit_unseen(world, replicas=4, generation=3)
    with pytest.raises(Conflict):
        await world.look()
    assert world.api.writes() == [("patch", KIND)], "which was refused"
    await world.look()
    assert world.api.find("Deployment")["spec"]["replicas"] == 4


async def test_what_children_report_does_not_make_a_look_render_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await settled({"replicas": 3})
    await world.look()
    rendered: list[str] = []

    def counted(*of: Any) -> Any:
        rendered.append("once")
        return render(*of)

    monkeypatch.setattr(reconcile, "render", counted)
    await report(world, replicas=3, updatedReplicas=1)
    await world.look(later=2)
    assert world.status["updatedReplicas"] == 1
    assert rendered == []
    world.user_applies(resource({"replicas": 4}, generation=2))
    await world.look()
    assert rendered == ["once"]


async def test_what_a_webhook_changes_each_time_is_not_fought_over() -> None:
    world = World()
    world.user_applies(resource())
    apply = world.api.apply

    async def mutated(resource: Any, manifest: Any, **how: Any) -> Any:
        obj, created = await apply(resource, manifest, **how)
        if resource.kind == "Deployment":
            stored = world.api.find("Deployment")
            stored["spec"] = {**stored["spec"], "replicas": 7}
            obj = copy.deepcopy(stored)
        return obj, created

    world.api.apply = mutated  # type: ignore[method-assign]
    await world.settle()
    await world.look()
    assert world.api.writes() == []
    world.user_applies(resource({"rollout": {"drainSeconds": 30}}, generation=2))
    await world.look()
    assert ("apply", "Deployment") in world.api.writes(), "another manifest is another matter"


async def test_missing_pull_secrets_are_looked_for_only_when_an_image_cannot_be_pulled() -> None:
    world = await settled({"imagePullSecrets": [{"name": "regcred"}]})
    await world.look()
    assert world.api.calls == []
    broken = pod(containers=[waiting("ImagePullBackOff", "unauthorized")], phase="Pending")
    broken |= {"apiVersion": "v1", "kind": "Pod"}
    broken["metadata"]["labels"] = {"scoring.dev/name": "faq"}
    deployment = copy.deepcopy(world.api.find("Deployment"))
    deployment["status"] = {"observedGeneration": 1, "replicas": 1, "unavailableReplicas": 1}
    world.api.put(deployment)
    world.api.put(broken)
    world.sync()
    await world.look()
    assert world.api.calls.count(("get", "Secret")) == 1
    assert world.condition("Ready")["reason"] == "SecretNotFound"
    assert "regcred" in world.condition("Ready")["message"]


GATEWAY = {
    "exposure": {
        "api": "Gateway",
        "host": "faq.example.com",
        "gateway": {"parentRef": {"name": "public"}},
    }
}


async def test_what_the_cluster_does_not_serve_is_asked_for_at_no_look() -> None:
    world = World()
    world.user_applies(resource(GATEWAY))
    await world.settle()
    await world.look()
    assert world.api.calls == []
    assert world.condition("Ready")["reason"] == "GatewayAPINotInstalled"
    assert world.api.find("Deployment")


async def test_a_kind_that_comes_gets_its_children() -> None:
    world = World()
    world.user_applies(resource(GATEWAY))
    await world.settle()
    world.served.add("HTTPRoute")
    await world.settle()
    assert world.api.find("HTTPRoute")
    assert world.condition("Ready")["reason"] != "GatewayAPINotInstalled"


@pytest.mark.parametrize("code", [404, 405], ids=["gone", "going"])
async def test_a_kind_that_has_just_gone_harms_nothing_else(code: int) -> None:
    world = World()
    world.served.add("HTTPRoute")
    world.user_applies(resource(GATEWAY))
    error = NotFound("no such kind") if code == 404 else ApiError("not allowed", code=405)
    world.api.failures["apply", "HTTPRoute"] = error
    await world.look()
    assert world.api.find("Deployment")
    assert await world.look() == WAITING_SECONDS
    assert world.condition("Ready")["reason"] == "GatewayAPINotInstalled"
