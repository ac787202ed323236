"""The operator's own life: restarts, hand-over, signals, and what goes on without it."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoring_operator.manifests import CHILD_KINDS
from scoring_operator.wiring.process import DRAIN_SECONDS
from tests.e2e.api import Api, audited, call, condition, eventually, stays
from tests.e2e.conftest import Launch, unused_namespace
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.e2e.settled import wait_until_settled
from tests.reliability.figures import record

pytestmark = pytest.mark.api

HAND_OVER_SECONDS = 20.0
# Far less than the 15 s after which a Lease that nobody released is free.
RELEASE_SECONDS = 8.0
COLLECTED_SECONDS = 180.0  # the garbage collector learns of a new CRD every 30 s


def exists(api: Api, namespace: str, kind: str = "Deployment", name: str = "faq") -> bool:
    return api.find(kind, namespace, name) is not None


def serve(api: Api, namespace: str, operator: OperatorProcess, count: int = 1) -> None:
    """Apply resources and wait until the operator has nothing more to do."""
    names = [f"faq-{number}" for number in range(count)]
    for name in names:
        api.apply(scoring_service(namespace, name))
    eventually(lambda: all(exists(api, namespace, name=name) for name in names), "all are served")
    wait_until_settled(api, namespace, operator)


def test_a_resource_costs_few_requests_and_its_own_status_wakes_nobody(
    api: Api, namespace: str, launch: Launch, audit_log: Path
) -> None:
    operator = launch(namespace)
    offset = audit_log.stat().st_size
    serve(api, namespace, operator)
    calls = Counter(call(event) for event in audited(audit_log, offset))
    statuses = calls.pop("patch scoringservices/status")
    assert statuses <= 3
    assert calls.pop("create events", 0) <= 1, "that no node takes its pods"
    reads = sum(number for name, number in calls.items() if name.startswith("get "))
    writes = calls.total() - reads
    children = ("services", "networkpolicies", "deployments")
    assert calls == {
        **{f"get {plural}": 1 for plural in children},
        **{f"patch {plural}": 1 for plural in children},
    }
    looks = operator.metric("scoring_operator_reconcile_total")
    api.patch("ScoringService", namespace, "faq-0", {"metadata": {"annotations": {"note": "1"}}})
    eventually(
        lambda: operator.metric("scoring_operator_reconcile_total") == looks + 1,
        "the annotation is looked at, once",
    )
    offset = audit_log.stat().st_size
    time.sleep(2)
    assert operator.metric("scoring_operator_reconcile_total") == looks + 1
    assert list(audited(audit_log, offset)) == [], "at rest there are no requests"
    record(
        "R11", "create, until quiet", f"{reads} reads, {writes} writes, {statuses} of the status"
    )


def test_an_update_costs_no_read_and_one_write_of_the_child_that_changes(
    api: Api, namespace: str, launch: Launch, audit_log: Path
) -> None:
    operator = launch(namespace)
    serve(api, namespace, operator)
    offset = audit_log.stat().st_size
    spec = {"rollout": {"drainSeconds": 20}}
    changed = api.patch("ScoringService", namespace, "faq-0", {"spec": spec})

    def is_observed() -> bool:
        found = api.get("ScoringService", namespace, "faq-0")
        observed = found["status"]["observedGeneration"]
        return bool(observed == changed["metadata"]["generation"])

    eventually(is_observed, "the change is observed")
    wait_until_settled(api, namespace, operator)
    calls = Counter(call(event) for event in audited(audit_log, offset))
    statuses = calls.pop("patch scoringservices/status")
    assert statuses <= 3
    assert calls.pop("create events", 0) <= 1
    assert calls == {"patch deployments": 1}
    record("R11", "update, until quiet", f"no read, 1 write, {statuses} of the status")


def test_a_restart_where_all_is_settled_reads_lists_only_and_writes_nothing(
    api: Api, namespace: str, launch: Launch, audit_log: Path
) -> None:
    operator = launch(namespace)
    serve(api, namespace, operator, count=5)
    assert operator.stop() == 0
    offset = audit_log.stat().st_size
    operator = launch(namespace)
    wait_for_quiet(operator)
    calls = {call(event) for event in audited(audit_log, offset)}
    required = [kind.plural for kind in CHILD_KINDS if not kind.optional]
    assert calls == {f"list {plural}" for plural in ("scoringservices", "pods", *required)}
    assert operator.metric("scoring_operator_reconcile_total") == 5


def test_what_changed_while_no_operator_ran_is_put_right_at_the_start(
    api: Api, namespace: str, launch: Launch
) -> None:
    operator = launch(namespace)
    serve(api, namespace, operator, count=2)
    operator.stop(signal.SIGKILL)
    api.patch("Deployment", namespace, "faq-0", {"spec": {"replicas": 9}})
    api.delete("Service", namespace, "faq-0")
    api.delete("ScoringService", namespace, "faq-1")
    api.apply(scoring_service(namespace, "faq-2"))
    eventually(
        lambda: not exists(api, namespace, name="faq-1"), "faq-1 is collected", COLLECTED_SECONDS
    )
    launch(namespace)
    eventually(
        lambda: api.get("Deployment", namespace, "faq-0")["spec"]["replicas"] == 1, "the edit"
    )
    eventually(lambda: exists(api, namespace, "Service", "faq-0"), "the deletion")
    eventually(lambda: exists(api, namespace, name="faq-2"), "the creation")


def test_sigterm_ends_the_process_quickly_and_in_peace(
    api: Api, namespace: str, launch: Launch
) -> None:
    operator = launch(namespace)
    started = time.monotonic()
    assert operator.stop(signal.SIGTERM) == 0
    assert time.monotonic() - started < DRAIN_SECONDS, "no worker was waited for in vain"
    assert operator.logged()[-1]["message"] == "stopped"


@pytest.mark.parametrize(
    ("number", "seconds"),
    [(signal.SIGTERM, RELEASE_SECONDS), (signal.SIGKILL, HAND_OVER_SECONDS)],
)
def test_a_standby_takes_over(
    api: Api, namespace: str, launch: Launch, number: signal.Signals, seconds: float
) -> None:
    election = ("--lease-name", "hand-over", "--lease-namespace", namespace)
    first = launch(namespace, *election)
    eventually(first.leads, "the first one leads")
    second = launch(namespace, *election)
    stays(lambda: first.leads() and not second.leads(), "one leads, one stands by", 3)
    first.stop(number)
    ended = datetime.now(UTC)
    api.apply(scoring_service(namespace))
    eventually(lambda: exists(api, namespace), "the standby does the work")
    took = (datetime.now(UTC) - ended).total_seconds()
    record("R18", f"leader ended by {number.name}", f"the standby's first child after {took:.1f} s")
    assert second.leads()
    lease = api.get("Lease", namespace, "hand-over")["spec"]
    assert lease["leaseTransitions"] >= 1
    # How long the first child takes then is the machine's matter.
    without_leader = datetime.fromisoformat(lease["acquireTime"]) - ended
    assert without_leader.total_seconds() <= seconds


def test_a_leader_that_was_paused_ends_instead_of_writing(
    api: Api, namespace: str, launch: Launch, audit_log: Path
) -> None:
    election = ("--lease-name", "pause", "--lease-namespace", namespace)
    first = launch(namespace, *election)
    eventually(first.leads, "the first one leads")
    second = launch(namespace, *election)
    first.process.send_signal(signal.SIGSTOP)
    eventually(second.leads, "the second one takes over")
    serve(api, namespace, second)
    offset = audit_log.stat().st_size
    api.apply(scoring_service(namespace, "faq-late"))
    first.process.send_signal(signal.SIGCONT)
    assert first.process.wait(timeout=60) == 1
    eventually(lambda: exists(api, namespace, name="faq-late"), "the second one serves it")
    wait_for_quiet(second)
    writes = [call(event) for event in audited(audit_log, offset) if event["verb"] == "patch"]
    assert writes.count("patch deployments") == 1
    record("R18", "leader paused for longer than its Lease, then woken", "0 conflicting writes")


def test_only_the_named_namespaces_are_served(api: Api, namespace: str, launch: Launch) -> None:
    other, third = unused_namespace(), unused_namespace()
    for name in (other, third):
        api.create_namespace(name)
        api.apply(scoring_service(name))
    api.apply(scoring_service(namespace))
    launch(namespace, "--namespace", other)
    eventually(lambda: exists(api, namespace) and exists(api, other), "both are served")
    stays(lambda: not exists(api, third), "the third namespace is not ours", 1)
    for name in (other, third):
        api.request("DELETE", f"/api/v1/namespaces/{name}")


def test_a_namespace_can_be_deleted_while_no_operator_runs(
    api: Api, namespace: str, launch: Launch
) -> None:
    doomed = unused_namespace()
    api.create_namespace(doomed)
    operator = launch(doomed)
    serve(api, doomed, operator)
    operator.stop(signal.SIGKILL)
    began = time.monotonic()
    api.request("DELETE", f"/api/v1/namespaces/{doomed}")
    eventually(lambda: _is_gone(api, doomed), "the namespace is gone", COLLECTED_SECONDS, pause=0.1)
    record("R14", "a namespace", f"{time.monotonic() - began:.0f} s")


def test_a_namespace_that_ends_under_the_operator_makes_no_noise(
    api: Api, namespace: str, launch: Launch
) -> None:
    doomed = unused_namespace()
    api.create_namespace(doomed)
    operator = launch(doomed)
    serve(api, doomed, operator)
    api.request("DELETE", f"/api/v1/namespaces/{doomed}")
    eventually(lambda: _is_gone(api, doomed), "the namespace is gone", COLLECTED_SECONDS, pause=0.1)
    wait_for_quiet(operator)
    loud = [line for line in operator.logged() if line["level"] not in ("info", "debug")]
    assert loud == []


def test_a_resource_can_be_deleted_while_no_operator_runs(
    api: Api, namespace: str, launch: Launch
) -> None:
    operator = launch(namespace)
    serve(api, namespace, operator)
    operator.stop(signal.SIGKILL)
    began = time.monotonic()
    api.delete("ScoringService", namespace, "faq-0", policy="Foreground")
    kinds = ("ScoringService", "Deployment", "Service")
    eventually(
        lambda: not any(exists(api, namespace, kind, "faq-0") for kind in kinds),
        "the resource and its children are gone",
        COLLECTED_SECONDS,
    )
    figure = f"{time.monotonic() - began:.0f} s, children included"
    record("R14", "a resource", figure)


def test_health_metrics_and_logs_can_be_read_by_machines(
    api: Api, namespace: str, launch: Launch
) -> None:
    operator = launch(namespace)
    serve(api, namespace, operator)
    code, body = operator.get("/healthz")
    assert (code, json.loads(body)["status"]) == (200, "ok")
    assert operator.metric('scoring_operator_reconcile_total{result="success"}') >= 1
    created = 'scoring_operator_api_requests_total{code="201",resource="deployments",verb="apply"'
    assert operator.metric(created) == 1
    assert operator.metric("scoring_operator_leader") == 1
    assert operator.metric("scoring_operator_resources{") == 1
    applied = [line for line in operator.logged() if line["message"].startswith("applied")]
    assert {(line["namespace"], line["name"], line["generation"]) for line in applied} == {
        (namespace, "faq-0", 1)
    }
    assert operator.get("/nonsense")[0] == 404


def test_new_defaults_reach_running_services_and_say_so(
    api: Api, namespace: str, launch: Launch
) -> None:
    operator = launch(namespace, "--default-cpu-image", "scoring:1")
    serve(api, namespace, operator)
    operator.stop()
    launch(namespace, "--default-cpu-image", "scoring:2")

    def image() -> str:
        template = api.get("Deployment", namespace, "faq-0")["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    eventually(lambda: image() == "scoring:2", "the new image is rolled out")
    eventually(
        lambda: api.get("ScoringService", namespace, "faq-0")["status"]["image"] == "scoring:2",
        "the status names the new image",
    )
    resource = api.get("ScoringService", namespace, "faq-0")
    assert condition(resource, "Ready")["status"] == "False"


def _is_gone(api: Api, namespace: str) -> bool:
    names = {item["metadata"]["name"] for item in api.request("GET", "/api/v1/namespaces")["items"]}
    return namespace not in names
