"""R17 and R18: two operators at once, one that is paused, one that is replaced by a newer one.

Each has a proxy of its own, which tells their writes apart.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, Object, eventually, stays
from tests.e2e.conftest import install_crd, unused_namespace
from tests.e2e.process import wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.e2e.trail import Trail
from tests.faults.planted.bug import Bug, plant
from tests.faults.planted.in_order import PAUSED_LEADER_LEADS
from tests.faults.replica import Replica
from tests.reliability.figures import record

pytestmark = pytest.mark.api

HAND_OVER_SECONDS = 20.0
# What the machine may add, beside other tests, to what the Lease says.
MARGIN_SECONDS = 10.0
LEASE_SECONDS = 15.0
WAVE = 20
ROUNDS = 1
LONG_ROUNDS = 10


NewReplica = Callable[..., Replica]


@pytest.fixture(scope="module")
def api(api_cluster: Cluster) -> Api:
    client = Api(api_cluster.kubeconfig)
    install_crd(client)
    return client


@pytest.fixture
def namespace(api: Api) -> Iterator[str]:
    name = unused_namespace()
    api.create_namespace(name)
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def replica(
    api_cluster: Cluster,
    namespace: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[NewReplica]:
    """Start operators; they end with the test."""
    started: list[Replica] = []

    def start(*arguments: str, bug: Bug | None = None) -> Replica:
        code = plant(bug, tmp_path_factory.mktemp("code") / "code") if bug else None
        started.append(Replica(api_cluster, tmp_path, namespace, *arguments, code=code))
        return started[-1]

    yield start
    for item in started:
        item.close()


def wave(api: Api, namespace: str, prefix: str) -> None:
    for number in range(WAVE):
        api.apply(scoring_service(namespace, f"{prefix}-{number}"))


def served(api: Api, namespace: str, count: int) -> bool:
    resources = api.list("ScoringService", namespace)
    observed = [item for item in resources if item.get("status", {}).get("observedGeneration")]
    return len(observed) == count == len(api.list("NetworkPolicy", namespace))


def holder(api: Api, namespace: str) -> Object:
    found: Object = api.get("Lease", namespace, "two")["spec"]
    return found


@pytest.mark.timeout(1800)
def test_a_leader_that_is_paused_in_the_middle_of_its_work_writes_nothing_when_it_wakes(
    api: Api, namespace: str, replica: NewReplica, long: bool
) -> None:
    rounds = LONG_ROUNDS if long else ROUNDS
    leader = replica()
    eventually(leader.operator.leads, "the first one leads")
    for number in range(rounds):
        standby = replica()
        assert pause_and_wake(api, leader, standby, number) == 0
        leader = standby
    record("R18", "leader paused at work, woken up later", f"0 late writes in {rounds} rounds")


def test_a_leader_that_would_write_when_it_wakes_is_found_out(
    api: Api, namespace: str, replica: NewReplica, long: bool
) -> None:
    if not long:
        pytest.skip("the test of the test runs with --long")
    leader = replica(bug=PAUSED_LEADER_LEADS)
    eventually(leader.operator.leads, "the first one leads")
    assert pause_and_wake(api, leader, replica(), 0) > 0
    record("R19", "planted bug of the Lease that a paused leader shows", "1 of 1")


def pause_and_wake(api: Api, leader: Replica, standby: Replica, number: int) -> int:
    """How many writes it sends when it wakes up between two writes, and another one leads."""
    paused = leader.pause_after(leader.writes() + 2 + 5 * number)
    wave(api, leader.namespace, f"round{number}")
    assert paused.wait(60), "it is at work"
    eventually(standby.operator.leads, "the standby takes over", 60, pause=0.1)
    # What the paused one had sent before is done by now, and all the rest by the new one.
    before = leader.writes()
    wanted = (number + 1) * WAVE
    eventually(lambda: served(api, leader.namespace, wanted), "all is served", 60, pause=0.1)
    leader.send_signal(signal.SIGCONT)
    assert leader.operator.process.wait(timeout=60) == 1, "it ends: another one leads"
    return leader.writes() - before


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["slow", "fast"])
def test_a_leader_whose_clock_is_wrong_leads_on_and_is_replaced_in_time(
    api: Api, namespace: str, replica: NewReplica, long: bool, seconds: int
) -> None:
    if not long:
        pytest.skip("a minute each: they run with --long")
    leader = replica(bug=wrong_clock(seconds))
    eventually(leader.operator.leads, "the first one leads")
    standby = replica()
    stays(leader.operator.leads, "its renewals count, whatever they say", 2 * LEASE_SECONDS)
    assert not standby.operator.leads()
    assert holder(api, namespace)["leaseTransitions"] == 0
    taken = replaced(api, leader, standby, signal.SIGKILL)
    clock = f"{'fast' if seconds > 0 else 'slow'} by an hour"
    record("R18", f"leader's clock {clock}", f"undisturbed; killed, replaced after {taken:.1f} s")


def wrong_clock(seconds: int) -> Bug:
    """An operator that writes another time into its Lease than it is."""
    return Bug(
        f"a clock that is {seconds} s ahead",
        "kube/lease.py",
        "now = datetime.now(UTC).strftime",
        f"now = datetime.fromtimestamp(time.time() + {seconds}, UTC).strftime",
        "",
    )


def test_a_leader_that_is_paused_without_a_standby_goes_on(
    api: Api, namespace: str, replica: NewReplica
) -> None:
    leader = replica()
    eventually(leader.operator.leads, "it leads")
    api.apply(scoring_service(namespace))
    wait_for_quiet(leader.operator)
    leader.send_signal(signal.SIGSTOP)
    time.sleep(LEASE_SECONDS + 1)
    api.apply(scoring_service(namespace, replicas=2))
    leader.send_signal(signal.SIGCONT)

    def scaled() -> bool:
        replicas: int = api.get("Deployment", namespace, "faq")["spec"]["replicas"]
        return replicas == 2

    eventually(scaled, "it goes on working", 60)
    assert leader.operator.process.poll() is None, "nobody has led meanwhile"
    assert holder(api, namespace)["leaseTransitions"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_leader_that_ends_is_replaced_in_time(
    api: Api, namespace: str, replica: NewReplica, number: signal.Signals
) -> None:
    leader = replica()
    eventually(leader.operator.leads, "the first one leads")
    standby = replica()
    assert not standby.operator.leads()
    seconds = replaced(api, leader, standby, number)
    record(
        "R18", f"leader ended by {number.name}", f"the standby's first child after {seconds:.1f} s"
    )


def replaced(api: Api, leader: Replica, standby: Replica, number: signal.Signals) -> float:
    """End a leader; the seconds until the standby has made the first child of a new resource."""
    leader.send_signal(number)
    ended = time.monotonic()
    api.apply(scoring_service(leader.namespace))
    eventually(
        lambda: api.find("Deployment", leader.namespace, "faq"),
        "the standby works",
        HAND_OVER_SECONDS + MARGIN_SECONDS,
    )
    assert standby.operator.leads()
    return time.monotonic() - ended


def test_an_upgrade_to_other_defaults_writes_once_and_restarts_no_pod(
    api: Api, api_cluster: Cluster, namespace: str, replica: NewReplica
) -> None:
    """The newer one has another default of what is no part of the pods."""
    spec: Object = {"replicas": 1, "exposure": {"host": "faq.example.com"}}
    older = replica("--ingress-class", "older")
    eventually(older.operator.leads, "the older one leads")
    api.apply(scoring_service(namespace, **spec))
    wait_for_quiet(older.operator)
    before = api.get("Deployment", namespace, "faq")
    ingress = api.list("Ingress", namespace)[0]["metadata"]["name"]
    with (
        Trail(api_cluster.kubeconfig, "Deployment", namespace, "faq") as deployments,
        Trail(api_cluster.kubeconfig, "Ingress", namespace, ingress) as ingresses,
    ):
        newer = replica("--ingress-class", "newer")
        older.send_signal(signal.SIGTERM)

        def upgraded() -> bool:
            found = api.get("Ingress", namespace, ingress)
            return bool(found["spec"]["ingressClassName"] == "newer")

        eventually(upgraded, "the newer one has its way", HAND_OVER_SECONDS + MARGIN_SECONDS)
        wait_for_quiet(newer.operator, seconds=3)
    after = api.get("Deployment", namespace, "faq")
    assert after["spec"]["template"] == before["spec"]["template"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert [item["spec"]["template"] for item in deployments.versions] == [
        before["spec"]["template"] for _ in deployments.versions
    ]
    classes = [item["spec"]["ingressClassName"] for item in ingresses.versions]
    assert classes.count("older") <= 1, "as it was in the beginning"
    assert classes == sorted(classes, reverse=True), "never back to the older one"
    record(
        "R17", "upgrade to other defaults of no part of the pods", "0 pods, 1 write, no way back"
    )


def test_two_versions_side_by_side_do_not_undo_each_others_writes(
    api: Api, api_cluster: Cluster, namespace: str, replica: NewReplica
) -> None:
    """A rolling upgrade: for a while both run, and only one of them writes."""
    older = replica("--default-cpu-image", "scoring:1")
    eventually(older.operator.leads, "the older one leads")
    api.apply(scoring_service(namespace))
    wait_for_quiet(older.operator)
    with Trail(api_cluster.kubeconfig, "Deployment", namespace, "faq") as deployments:
        newer = replica("--default-cpu-image", "scoring:2")
        api.patch("Deployment", namespace, "faq", {"metadata": {"annotations": {"a": "stranger"}}})
        wait_for_quiet(older.operator, seconds=2)
        assert newer.writes() == 0, "a standby writes nothing"
        older.send_signal(signal.SIGTERM)

        def image() -> str:
            found = api.get("Deployment", namespace, "faq")
            return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

        eventually(
            lambda: image() == "scoring:2", "the upgrade", HAND_OVER_SECONDS + MARGIN_SECONDS
        )
        wait_for_quiet(newer.operator, seconds=2)
    images = [
        item["spec"]["template"]["spec"]["containers"][0]["image"] for item in deployments.versions
    ]
    assert images == sorted(images), "never back to the older one"
    record("R17", "another default image", "one roll-out, no way back")
