"""The replicas go from the operator to the autoscaler and back, and never dip on the way.

The control plane has the HPA controller; without metrics it changes nothing, so that the tests play
it: they scale by its field manager.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from scoring_operator.api import FIELD_MANAGER
from scoring_operator.controller.applicable import REQUIRED_KINDS
from scoring_operator.controller.children import CHILDREN
from scoring_operator.controller.objects import SCALE_MANAGER, holds_replicas
from scoring_operator.controller.reconcile import SCORING_SERVICES, Reconciler
from scoring_operator.controller.store import Store
from scoring_operator.kube import Client, load_credentials
from scoring_operator.kube.fence import NotPermitted
from scoring_operator.manifests import Platform
from tests.cluster.fixtures import Cluster
from tests.controller.controller.fakes import FakeModels
from tests.e2e.api import MERGE, PATHS, Api, Object, eventually, stays
from tests.e2e.conftest import Launch
from tests.e2e.process import wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.e2e.trail import Trail
from tests.reliability.figures import record

pytestmark = pytest.mark.api

SCALING: Object = {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}}
FIXED: Object = {"replicas": 5}
HPA = "HorizontalPodAutoscaler"
ROUNDS = 20
LONG_ROUNDS = 100


def deployment(api: Api, namespace: str) -> Object:
    return api.get("Deployment", namespace, "faq")


def replicas(api: Api, namespace: str) -> int:
    return int(deployment(api, namespace)["spec"]["replicas"])


def scale(api: Api, namespace: str, number: int, manager: str = "kube-controller-manager") -> None:
    path = f"{PATHS['Deployment'].format(namespace)}/faq/scale?fieldManager={manager}"
    api.request("PATCH", path, {"spec": {"replicas": number}}, MERGE)


def roll_out(api: Api, namespace: str, **spec: Any) -> None:
    """Serve another template, and wait until the Deployment has it."""
    before = deployment(api, namespace)["metadata"]["generation"]
    api.apply(scoring_service(namespace, **spec))

    def is_another() -> bool:
        return bool(deployment(api, namespace)["metadata"]["generation"] > before)

    eventually(is_another, "the Deployment has the new template")


def serve(api: Api, namespace: str, **spec: Any) -> None:
    api.apply(scoring_service(namespace, **spec))
    is_done = scales_itself if "autoscaling" in spec else is_ours
    eventually(lambda: is_done(api, namespace), f"the hand-over is complete: {spec}")


def scales_itself(api: Api, namespace: str) -> bool:
    return api.find(HPA, namespace, "faq") is not None


def is_ours(api: Api, namespace: str) -> bool:
    found = api.find("Deployment", namespace, "faq")
    if found is None or scales_itself(api, namespace) or holds_replicas(found):
        return False
    return owners(found) == {FIELD_MANAGER}


def owners(found: Object) -> set[str]:
    """The field managers of the replicas."""
    return {
        entry["manager"]
        for entry in found["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    }


@pytest.fixture
def served(api: Api, namespace: str, launch: Launch) -> Callable[..., None]:
    """Serve a spec by an operator of the test's own, and wait until nothing moves."""
    operator = launch(namespace)

    def start(**spec: Any) -> None:
        serve(api, namespace, **spec)
        wait_for_quiet(operator)

    return start


@pytest.mark.timeout(900)
def test_there_and_back_at_five_replicas_many_times_without_a_dip(
    api: Api, namespace: str, api_cluster: Cluster, served: Callable[..., None], long: bool
) -> None:
    rounds = LONG_ROUNDS if long else ROUNDS
    served(**FIXED)
    with Trail(api_cluster.kubeconfig, "Deployment", namespace, "faq") as trail:
        for number in range(rounds):
            serve(api, namespace, **SCALING)
            assert replicas(api, namespace) == 5
            assert FIELD_MANAGER not in owners(deployment(api, namespace))
            if number % 2:  # an HPA that has scaled owns the field; one that has not does not
                scale(api, namespace, 7)
            serve(api, namespace, **FIXED)
            assert replicas(api, namespace) == 5
        trail.follow(deployment(api, namespace))
    assert len(trail.versions) >= 4 * rounds
    assert min(trail.replicas()) == 5
    assert max(trail.replicas()) == 7
    figure = f"0 dips in {rounds} rounds, {len(trail.versions)} versions of the Deployment"
    record("R12", "on and off at 5 replicas", figure)


@pytest.mark.parametrize("direction", ["on", "off"])
async def test_a_process_that_ends_between_two_writes_leaves_no_dip_and_the_next_one_finishes(
    api: Api, namespace: str, api_cluster: Cluster, direction: str
) -> None:
    before, after = (FIXED, SCALING) if direction == "on" else (SCALING, FIXED)
    for writes in itertools.count():
        api.apply(scoring_service(namespace, **FIXED))
        await lives(api_cluster.kubeconfig, namespace)
        api.apply(scoring_service(namespace, **before))
        await lives(api_cluster.kubeconfig, namespace)
        assert scales_itself(api, namespace) is (direction == "off")
        with Trail(api_cluster.kubeconfig, "Deployment", namespace, "faq") as trail:
            api.apply(scoring_service(namespace, **after))
            crashed = await lives(api_cluster.kubeconfig, namespace, writes)
            await lives(api_cluster.kubeconfig, namespace)
            assert scales_itself(api, namespace) is (direction == "on")
            found = deployment(api, namespace)
            assert owners(found) == {SCALE_MANAGER if direction == "on" else FIELD_MANAGER}
            trail.follow(found)
        assert set(trail.replicas()) == {5}, f"after {writes} writes"
        if not crashed:
            break
    assert writes >= 4, "each step was the last one once"


async def lives(kubeconfig: Path, namespace: str, writes: int | None = None) -> bool:
    """A process that knows what lists tell, and ends before a write; whether it came so far."""
    done = itertools.count()
    store = Store()
    async with Client(
        load_credentials(str(kubeconfig)),
        field_manager=FIELD_MANAGER,
        # Asked twice for each write: before it, and before its bytes leave.
        permit=lambda: writes is None or next(done) < 2 * writes,
    ) as client:
        reconciler = Reconciler(
            client,
            store,
            Platform(),
            cast("Any", FakeModels()),
            served=REQUIRED_KINDS,
            wake=lambda key: None,
            announce=lambda resource, news: None,
        )
        for _ in range(3):
            for kind in (SCORING_SERVICES, *(CHILDREN[kind] for kind in sorted(REQUIRED_KINDS))):
                for found in await client.list(kind, namespace):
                    store.put(found)
            try:
                await reconciler.look((namespace, "faq"))
            except NotPermitted:
                return True
    return False


def test_a_deployment_that_was_scaled_to_zero_is_put_back(
    api: Api, namespace: str, served: Callable[..., None]
) -> None:
    served(**SCALING)
    scale(api, namespace, 0, "kubectl")
    eventually(lambda: replicas(api, namespace) == 2, "the fewest replicas run again")
    stays(lambda: replicas(api, namespace) == 2, "and go on", 1)


def test_a_new_service_starts_with_the_fewest_replicas(
    api: Api, namespace: str, served: Callable[..., None]
) -> None:
    served(**SCALING)
    assert replicas(api, namespace) == 2
    assert api.get(HPA, namespace, "faq")["spec"]["scaleTargetRef"]["kind"] == "Deployment"


def test_an_hpa_that_a_stranger_deletes_comes_back_and_nothing_dips(
    api: Api, namespace: str, api_cluster: Cluster, served: Callable[..., None]
) -> None:
    served(**SCALING)
    scale(api, namespace, 6)
    with Trail(api_cluster.kubeconfig, "Deployment", namespace, "faq") as trail:
        uid = api.get(HPA, namespace, "faq")["metadata"]["uid"]
        api.delete(HPA, namespace, "faq")

        def is_new() -> bool:
            found = api.find(HPA, namespace, "faq")
            return found is not None and found["metadata"]["uid"] != uid

        eventually(is_new, "there is another HPA")
        trail.follow(deployment(api, namespace))
    assert set(trail.replicas()) == {6}


@pytest.mark.parametrize("fewest", [1, 2])
def test_what_the_autoscaler_decides_is_never_undone(
    api: Api, namespace: str, api_cluster: Cluster, served: Callable[..., None], fewest: int
) -> None:
    scaling = {"autoscaling": {"minReplicas": fewest, "maxReplicas": 9}}
    served(**scaling)
    assert owners(deployment(api, namespace)) == {SCALE_MANAGER}, "whatever was before"
    roll_out(api, namespace, **scaling, rollout={"drainSeconds": 17})
    assert replicas(api, namespace) == fewest, "what nobody has decided stays too"
    scale(api, namespace, 8)
    with Trail(api_cluster.kubeconfig, "Deployment", namespace, "faq") as trail:
        changed = {**scaling, "rollout": {"drainSeconds": 20}}
        roll_out(api, namespace, **changed)
        api.patch("Deployment", namespace, "faq", {"spec": {"minReadySeconds": 1}})
        wider = {**changed, "autoscaling": {"minReplicas": 3, "maxReplicas": 9}}
        served(**wider)
        eventually(
            lambda: api.get(HPA, namespace, "faq")["spec"]["minReplicas"] == 3, "the HPA follows"
        )
        stays(lambda: replicas(api, namespace) == 8, "the number stays", 1)
    assert set(trail.replicas()) == {8}


def test_suspend_stops_all_pods_and_resume_starts_the_fewest(
    api: Api, namespace: str, served: Callable[..., None]
) -> None:
    served(**SCALING)
    scale(api, namespace, 6)
    api.apply(scoring_service(namespace, **SCALING, suspend=True))
    eventually(lambda: replicas(api, namespace) == 0, "no pods are asked for")
    assert not scales_itself(api, namespace)
    serve(api, namespace, **SCALING)
    eventually(lambda: replicas(api, namespace) == 2, "the fewest are asked for")
