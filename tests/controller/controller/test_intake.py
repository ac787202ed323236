"""Which events wake whom, and when."""

from typing import Any

import pytest

from scoring_operator.controller.intake import (
    SETTLE_CHILD_SECONDS,
    SETTLE_STATUS_SECONDS,
    Intake,
)
from scoring_operator.controller.queue import WorkQueue
from scoring_operator.controller.store import Store
from tests.controller.builders import resource
from tests.controller.controller.test_store import KEY, child, cr


class FakeQueue(WorkQueue[Any]):
    """Remembers what was added."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[tuple[Any, float]] = []

    def add_after(self, key: Any, seconds: float) -> None:
        self.added.append((key, seconds))


@pytest.mark.parametrize(
    ("obj", "delay"),
    [
        (cr(10), 0.0),
        (child(20), SETTLE_CHILD_SECONDS),
        (child(20, kind="Pod", name="faq-1"), SETTLE_STATUS_SECONDS),
    ],
    ids=["resource", "child", "pod"],
)
def test_what_is_new_wakes_its_resource(obj: dict[str, Any], delay: float) -> None:
    queue = FakeQueue()
    Intake(Store(), queue).event("ADDED", obj)
    assert queue.added == [(KEY, delay)]


def test_a_roll_out_is_looked_at_after_its_burst_and_an_edit_at_once() -> None:
    queue = FakeQueue()
    intake = Intake(Store(), queue)
    intake.event("ADDED", child(20))
    intake.event("MODIFIED", child(21, status={"replicas": 1}))
    intake.event("MODIFIED", child(22, status={"replicas": 1}, replicas=9))
    assert [delay for _, delay in queue.added[1:]] == [SETTLE_STATUS_SECONDS, SETTLE_CHILD_SECONDS]


def test_what_is_gone_wakes_its_resource() -> None:
    queue = FakeQueue()
    intake = Intake(Store(), queue)
    for obj in (cr(10), child(20)):
        intake.event("ADDED", obj)
    queue.added.clear()
    intake.event("DELETED", child(21))
    intake.event("DELETED", cr(11))
    assert [key for key, _ in queue.added] == [KEY, KEY]


def test_nothing_new_wakes_nobody() -> None:
    queue = FakeQueue()
    intake = Intake(Store(), queue)
    intake.event("ADDED", child(20))
    intake.event("ADDED", child(20))
    intake.event("MODIFIED", child(21))
    assert len(queue.added) == 1


def test_a_list_wakes_what_is_new_on_it_and_what_is_no_longer() -> None:
    queue = FakeQueue()
    store = Store()
    intake = Intake(store, queue)
    intake.event("ADDED", child(20, name="old", uid="old"))
    queue.added.clear()
    places = intake.listed([child(30)])
    assert places == [("ml", "faq")]
    assert len(queue.added) == 1
    intake.sweep("Deployment", None, places, "40")
    assert len(queue.added) == 2
    assert set(store.children(KEY)) == {("Deployment", "faq")}


def test_an_object_without_a_sign_of_ours_is_nobodys_business() -> None:
    queue = FakeQueue()
    store = Store()
    Intake(store, queue).event("ADDED", child(20, owner=None, label=None))
    assert queue.added == []
    assert store.children(KEY) == {}
    assert resource()["metadata"]["name"] == KEY[1]
