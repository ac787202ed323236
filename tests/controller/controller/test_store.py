"""The store under events that come late, twice, out of order, or not at all."""

from typing import Any

import pytest

from scoring_operator.api import API_VERSION, FIELD_MANAGER, KIND, LABEL_NAME
from scoring_operator.controller.objects import OWNER_UID
from scoring_operator.controller.store import Change, Store, child_of
from tests.controller.builders import resource

KEY = ("ml", "faq")


def cr(version: int = 10, status: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    found = resource(**changes)
    found["metadata"]["resourceVersion"] = str(version)
    if status is not None:
        found["status"] = status
    return found


def child(
    version: int = 20,
    *,
    uid: str = "child-1",
    name: str = "faq",
    owner: str | None = "0a1b",
    label: str | None = "faq",
    kind: str = "Deployment",
    replicas: int = 1,
    status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "ml",
        "uid": uid,
        "resourceVersion": str(version),
        "labels": {LABEL_NAME: label} if label else {},
    }
    if owner is not None:
        reference = {"apiVersion": API_VERSION, "kind": KIND, "name": "faq", "uid": owner}
        metadata["ownerReferences"] = [{**reference, "controller": True}]
    found = {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata}
    return found | {"spec": {"replicas": replicas}} | ({"status": status} if status else {})


def names(store: Store) -> set[tuple[str, str]]:
    return set(store.children(KEY))


def test_a_new_resource_is_news() -> None:
    store = Store()
    assert store.put(cr()) == (Change.ESSENCE, {KEY})
    found = store.resource(KEY)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "10"
    assert store.keys() == [KEY]


def test_the_same_again_with_another_version_is_none() -> None:
    store = Store()
    store.put(child(20))
    again = child(21)
    again["metadata"]["managedFields"] = [{"manager": "somebody"}]
    assert store.put(again) == (Change.NONE, set())
    assert store.children(KEY)["Deployment", "faq"].version == "21"


@pytest.mark.parametrize(
    "annotation",
    ["deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"],
)
def test_notes_of_controllers_to_themselves_are_no_news(annotation: str) -> None:
    store = Store()
    store.put(child(20))
    again = child(21)
    again["metadata"]["annotations"] = {annotation: "2"}
    assert store.put(again)[0] is Change.NONE


def test_what_a_child_reports_is_told_from_what_it_asks_for() -> None:
    store = Store()
    store.put(child(20))
    assert store.put(child(21, status={"replicas": 1})) == (Change.STATUS, {KEY})
    assert store.put(child(22, status={"replicas": 1}, replicas=3)) == (Change.ESSENCE, {KEY})


def test_our_own_status_write_wakes_nobody_whichever_comes_first() -> None:
    store = Store()
    store.put(cr(10))
    store.expect_status(KEY, {"replicas": 1})
    assert store.put(cr(11, {"replicas": 1})) == (Change.NONE, set())
    assert store.put(cr(11, {"replicas": 1})) == (Change.NONE, set())
    assert store.put(cr(12, {"replicas": 7}))[0] is Change.STATUS, "somebody else wrote it"


def test_a_change_of_the_spec_is_news_even_with_the_status_that_we_wrote() -> None:
    store = Store()
    store.put(cr(10))
    store.expect_status(KEY, {"replicas": 1})
    assert store.put(cr(11, {"replicas": 1}, generation=2))[0] is Change.ESSENCE


def test_an_older_version_changes_nothing() -> None:
    store = Store()
    store.put(child(20, replicas=2))
    assert store.put(child(19, replicas=1)) == (Change.NONE, set())
    assert store.children(KEY)["Deployment", "faq"].object["spec"]["replicas"] == 2


def test_a_deleted_object_does_not_come_back_by_a_late_event() -> None:
    store = Store()
    store.put(child(20))
    assert store.remove(child(25)) == (Change.ESSENCE, {KEY})
    assert store.put(child(24)) == (Change.NONE, set())
    assert names(store) == set()


def test_an_object_that_lost_its_label_is_known_again_once_it_carries_it() -> None:
    store = Store()
    store.put(child(20))
    store.remove(child(25))  # a watch with a label selector calls that deleted
    assert store.put(child(26))[0] is Change.ESSENCE


def test_the_deletion_of_an_earlier_object_leaves_its_successor() -> None:
    store = Store()
    store.put(child(20, uid="old"))
    store.put(child(30, uid="new"))
    assert store.remove(child(25, uid="old")) == (Change.NONE, set())
    assert store.children(KEY)["Deployment", "faq"].uid == "new"


def test_a_new_list_drops_what_vanished_unseen() -> None:
    store = Store()
    store.put(child(20, name="faq"))
    store.put(child(21, name="other", uid="child-2"))
    assert store.sweep("Deployment", None, {("ml", "faq")}, "30") == {KEY}
    assert names(store) == {("Deployment", "faq")}


def test_a_list_does_not_drop_what_is_newer_than_itself() -> None:
    store = Store()
    store.put(child(40))
    assert store.sweep("Deployment", None, set(), "30") == set()
    assert names(store) == {("Deployment", "faq")}


def test_a_list_of_one_namespace_says_nothing_about_another() -> None:
    store = Store()
    store.put(child(20))
    assert store.sweep("Deployment", "elsewhere", set(), "30") == set()
    assert store.sweep("Deployment", "ml", set(), "30") == {KEY}


def test_an_event_from_before_the_list_does_not_bring_an_object_back() -> None:
    store = Store()
    store.sweep("Deployment", None, set(), "30")
    assert store.put(child(29)) == (Change.NONE, set())
    assert store.put(child(31)) == (Change.ESSENCE, {KEY})


def test_an_object_that_moves_to_another_resource_concerns_both() -> None:
    store = Store()
    store.put(child(20, owner=None))
    moved = child(21, owner=None, label="images")
    assert store.put(moved) == (Change.ESSENCE, {KEY, ("ml", "images")})
    assert names(store) == set()


def test_a_stranger_with_our_label_is_known_as_a_stranger() -> None:
    store = Store()
    store.put(child(20, owner=None))
    assert store.children(KEY)["Deployment", "faq"].owner is None


def test_a_child_without_its_owner_reference_stays_ours_by_what_we_applied() -> None:
    store = Store()
    stripped = child(20, owner=None)
    stripped["metadata"]["annotations"] = {OWNER_UID: "0a1b"}
    store.put(stripped)
    assert store.children(KEY)["Deployment", "faq"].owner is None, "anybody can copy an annotation"
    stripped["metadata"]["managedFields"] = [{"manager": FIELD_MANAGER, "operation": "Apply"}]
    stripped["metadata"]["resourceVersion"] = "21"
    store.put(stripped)
    assert store.children(KEY)["Deployment", "faq"].owner == "0a1b"


def test_another_controllers_object_is_not_ours_whatever_it_says() -> None:
    store = Store()
    taken = child(20, owner=None)
    taken["metadata"]["annotations"] = {OWNER_UID: "0a1b"}
    taken["metadata"]["managedFields"] = [{"manager": FIELD_MANAGER, "operation": "Apply"}]
    taken["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "9", "controller": True}
    ]
    store.put(taken)
    assert store.children(KEY)["Deployment", "faq"].owner is None


def test_pods_are_kept_apart_from_children_and_trimmed() -> None:
    store = Store()
    pod = child(20, kind="Pod", name="faq-1", owner=None)
    pod["spec"] = {"nodeName": "n1", "containers": [{"name": "scoring", "env": []}]}
    pod["status"] = {"phase": "Running", "hostIP": "10.0.0.1"}
    store.put(pod)
    assert names(store) == set()
    (found,) = store.pods(KEY)
    assert found["spec"] == {"nodeName": "n1"}
    assert found["status"] == {"phase": "Running"}


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    store = Store()
    for version in ("b", "a"):
        found = child()
        found["metadata"]["resourceVersion"] = version
        found["spec"]["replicas"] = ord(version)
        store.put(found)
    assert store.children(KEY)["Deployment", "faq"].version == "a"


def test_why_each_resource_is_ready_or_not_is_known() -> None:
    store = Store()
    store.put(cr(10))
    assert list(store.reasons()) == [""]
    ready = {"conditions": [{"type": "Ready", "reason": "AllReplicasReady"}]}
    store.put(cr(11, status=ready))
    assert list(store.reasons()) == ["AllReplicasReady"]
    store.remove(cr(12, status=ready))
    assert list(store.reasons()) == []


def test_a_resource_that_is_gone_leaves_nothing_behind() -> None:
    store = Store()
    store.put(cr(10))
    store.expect_status(KEY, {"replicas": 1})
    store.put(child(20))
    store.remove(child(21))
    assert store.remove(cr(11)) == (Change.ESSENCE, {KEY})
    assert store.resource(KEY) is None
    assert (store._members, store._expected) == ({}, {})


def test_a_kind_that_is_forgotten_may_come_back_with_other_versions() -> None:
    store = Store()
    store.put(cr())
    store.put(child(20))
    store.put(child(21, kind="Service", uid="child-2"))
    store.sweep("Deployment", None, {KEY}, "1000")
    store.forget("Deployment")
    assert names(store) == {("Service", "faq")}
    assert store.keys() == [KEY]
    assert store.put(child(30, uid="child-3"))[0] is Change.ESSENCE


def test_what_is_learned_is_the_child_that_was_written() -> None:
    store = Store()
    store.put(child(20))
    learned = store.learn(child(21, replicas=3))
    assert learned == child_of(child(21, replicas=3))
    assert store.children(KEY)["Deployment", "faq"] == learned


@pytest.mark.parametrize("newer", [child(30, replicas=9), child(30, uid="child-2")])
def test_what_is_learned_late_takes_nothing_of_what_is_known(newer: dict[str, Any]) -> None:
    store = Store()
    store.put(newer)
    assert store.learn(child(21)) == child_of(child(21))
    assert store.children(KEY)["Deployment", "faq"] == child_of(newer)


def test_what_has_lost_every_sign_of_ours_can_be_learned() -> None:
    stripped = child(21, owner=None, label=None)
    assert Store().learn(stripped) == child_of(stripped)
