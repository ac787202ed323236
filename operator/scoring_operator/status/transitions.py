"""Which change of the status is worth a Kubernetes Event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from scoring_operator.status.conditions import find
from scoring_operator.status.reasons import PROGRESS

# events.k8s.io/v1: "the maximal length of the note is 1kB".
_MAX_NOTE_BYTES: Final = 1024


@dataclass(frozen=True)
class Transition:
    """What an Event is to say."""

    type: Literal["Normal", "Warning"]
    reason: str
    note: str


def transition(before: Mapping[str, Any], after: Mapping[str, Any]) -> Transition | None:
    """The Event for a change from one status (empty for none) to the next, or None.

    Told is: it became ready, it is ready for another reason, it left that for a roll-out, something
    is wrong, and something else is wrong. Not told are steps on the way, and a trouble that shows
    again after such a step.
    """
    was, now = _ready(before), _ready(after)
    reason = str(now.get("reason", ""))
    if not now or (was.get("status"), was.get("reason")) == (now.get("status"), reason):
        return None
    note = _cut(str(now.get("message", "")))
    if now.get("status") == "True":
        return Transition("Normal", reason, note)
    if reason in PROGRESS:
        return Transition("Normal", reason, note) if was.get("status") == "True" else None
    if was.get("reason") in PROGRESS and _told_before(before, after, reason):
        return None
    return Transition("Warning", reason, note)


def _ready(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return find(status.get("conditions") or (), "Ready")


def _told_before(before: Mapping[str, Any], after: Mapping[str, Any], reason: str) -> bool:
    failure = after.get("lastFailure") or {}
    return failure.get("reason") == reason and failure == before.get("lastFailure")


def _cut(note: str) -> str:
    encoded = note.encode()
    if len(encoded) <= _MAX_NOTE_BYTES:
        return note
    end = "…"
    return encoded[: _MAX_NOTE_BYTES - len(end.encode())].decode(errors="ignore") + end
