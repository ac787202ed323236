"""What happens to a resource in the plans: it is created, changed, or made anew.

`{}` in a spec stands for the resource's name: hosts differ, where one operator serves many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SMALL: dict[str, Any] = {"replicas": 1}
LARGE: dict[str, Any] = {
    "replicas": 3,
    "auth": {"apiKeys": {"secretName": "keys"}},
    "service": {"port": 8080},
    "exposure": {"host": "{}.example.com", "ingress": {"className": "nginx"}},
    "podTemplate": {"labels": {"team": "search"}},
}
SCALED: dict[str, Any] = {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}


@dataclass(frozen=True)
class Scenario:
    """The spec at first, and the one that it becomes; None: it is only created."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    anew: bool = False
    """Deleted, and created again at once."""


SCENARIOS = [
    Scenario("create", None, LARGE),
    Scenario("create-scaled", None, SCALED),
    Scenario("grow", SMALL, LARGE),
    Scenario("shrink", LARGE, SMALL),
    Scenario("scaling-on", {"replicas": 3}, SCALED),
    Scenario("scaling-off", SCALED, LARGE),
    # The number stays the same: our two field managers share it until the second lets go.
    Scenario("scaling-off-level", SCALED, {"replicas": 2}),
    Scenario("suspend", LARGE, {**LARGE, "suspend": True}),
    Scenario("suspend-scaled", SCALED, {**SCALED, "suspend": True}),
    Scenario("resume-scaled", {**SCALED, "suspend": True}, SCALED),
    Scenario("other-pods", SMALL, {**SMALL, "image": "example.com/other:2"}),
    Scenario("anew", LARGE, SMALL, anew=True),
]


def filled(value: Any, name: str) -> Any:
    """A spec with the resource's name in place of `{}`."""
    if isinstance(value, dict):
        return {key: filled(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, name) for item in value]
    return value.replace("{}", name) if isinstance(value, str) else value
