"""Conditions in the form of metav1.Condition, with transition times that mean transitions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

MAX_MESSAGE_LENGTH: Final = 1024

_ORDER: Final = (
    "Ready",
    "Available",
    "ModelLoaded",
    "ExposureReady",
    "CertificateReady",
    "AutoscalingActive",
    "Reconciling",
    "Stalled",
    "Suspended",
)


def timestamp(now: datetime) -> str:
    """A time as the API server writes it: UTC, whole seconds."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shorten(message: str, length: int = MAX_MESSAGE_LENGTH) -> str:
    """A message on one line, cut to `length` characters."""
    text = " ".join(message.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def find(conditions: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """The condition of a type, or an empty one."""
    return next((item for item in conditions if item.get("type") == kind), {})


class Conditions:
    """The conditions of one status, built on those of the previous one."""

    def __init__(
        self, previous: Sequence[Mapping[str, Any]], generation: int, now: datetime
    ) -> None:
        self._previous = {item["type"]: item for item in previous}
        self._generation = generation
        self._now = timestamp(now)
        self._built: dict[str, dict[str, Any]] = {}

    def set(self, kind: str, holds: bool, reason: str, message: str) -> None:
        """Say whether an aspect holds; its transition time moves only when that changes."""
        status = "True" if holds else "False"
        before = self._previous.get(kind, {})
        same = before.get("status") == status
        self._built[kind] = {
            "type": kind,
            "status": status,
            "reason": str(reason),
            "message": shorten(message),
            "lastTransitionTime": before["lastTransitionTime"] if same else self._now,
            "observedGeneration": self._generation,
        }

    def keep(self, *kinds: str) -> None:
        """Take conditions over as they were, those that were there."""
        for kind in kinds:
            if kind in self._previous:
                self._built[kind] = dict(self._previous[kind])

    def build(self) -> list[dict[str, Any]]:
        """All conditions in their fixed order."""
        return sorted(self._built.values(), key=lambda item: _ORDER.index(item["type"]))
