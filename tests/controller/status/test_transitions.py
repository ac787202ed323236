"""An Event tells a change that a person wants to hear of, once."""

from typing import Any

import pytest

from scoring_operator.status import Transition, transition

FAILURE = {"pod": "faq-1", "reason": "CrashLooping", "message": "boom", "time": "t1"}


def status(
    holds: bool, reason: str, message: str = "why", failure: dict[str, Any] | None = None
) -> dict[str, Any]:
    ready = {
        "type": "Ready",
        "status": "True" if holds else "False",
        "reason": reason,
        "message": message,
    }
    available = {"type": "Available", "status": "True", "reason": "Serving", "message": ""}
    told = {"lastFailure": failure} if failure else {}
    return {"conditions": [available, ready], **told}


NEW: dict[str, Any] = {}
READY = status(True, "AllReplicasReady")
SUSPENDED = status(True, "Suspended")
ROLLING = status(False, "RolloutInProgress")
LOADING = status(False, "ModelLoading")
CRASHING = status(False, "CrashLooping", failure=FAILURE)
ROLLING_AFTER_A_CRASH = status(False, "RolloutInProgress", failure=FAILURE)
CRASHING_ANEW = status(False, "CrashLooping", failure={**FAILURE, "pod": "faq-2"})
NO_ROOM = status(False, "Unschedulable", "0/3 nodes are available")

# (before, after, type of the Event or None)
CASES = {
    "begun": (NEW, ROLLING, None),
    "on its way": (ROLLING, LOADING, None),
    "ready": (LOADING, READY, "Normal"),
    "ready at once": (NEW, READY, "Normal"),
    "ready as before": (READY, READY, None),
    "ready with another count": (READY, status(True, "AllReplicasReady", "3 of 3"), None),
    "a change rolls out": (READY, ROLLING, "Normal"),
    "suspended": (READY, SUSPENDED, "Normal"),
    "resumed": (SUSPENDED, ROLLING, "Normal"),
    "a fault": (ROLLING, CRASHING, "Warning"),
    "a fault at once": (NEW, NO_ROOM, "Warning"),
    "a fault of what was ready": (READY, CRASHING, "Warning"),
    "another fault": (CRASHING, NO_ROOM, "Warning"),
    "the same fault in other words": (NO_ROOM, status(False, "Unschedulable", "0/4"), None),
    "a fault pauses": (CRASHING, ROLLING_AFTER_A_CRASH, None),
    "a fault goes on after a pause": (ROLLING_AFTER_A_CRASH, CRASHING, None),
    "a fault of another pod after a pause": (ROLLING_AFTER_A_CRASH, CRASHING_ANEW, "Warning"),
    "a fault comes back to what was whole": (
        {**READY, "lastFailure": FAILURE},
        CRASHING,
        "Warning",
    ),
    "cured": (CRASHING, READY, "Normal"),
    "no status": (READY, NEW, None),
}


@pytest.mark.parametrize(("before", "after", "kind"), CASES.values(), ids=CASES)
def test_what_is_told(before: dict[str, Any], after: dict[str, Any], kind: str | None) -> None:
    found = transition(before, after)
    assert (found.type if found else None) == kind


def test_the_event_has_the_conditions_reason_and_words() -> None:
    assert transition(ROLLING, NO_ROOM) == Transition(
        "Warning", "Unschedulable", "0/3 nodes are available"
    )


def test_a_note_fits_into_the_kilobyte_that_events_have() -> None:
    found = transition(NEW, status(True, "AllReplicasReady", "…" * 1024))
    assert found is not None
    assert 1000 < len(found.note.encode()) <= 1024
