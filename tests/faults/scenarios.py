"""What happens to a resource in the plans: it is created, changed, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SMALL: dict[str, Any] = {"replicas": 1}
LARGE: dict[str, Any] = {
    "replicas": 3,
    "auth": {"apiKeys": {"secretName": "keys"}},
    "service": {"port": 8080},
    "exposure": {"host": "faq.example.com", "ingress": {"className": "nginx"}},
    "podTemplate": {"labels": {"team": "search"}},
}
SCALED: dict[str, Any] = {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}


@dataclass(frozen=True)
class Scenario:
    """The spec at first, and the one that it becomes; None: it is only created."""

    name: str
    before: dict[str, Any] | None
    after: dict[str, Any]


SCENARIOS = [
    Scenario("create", None, LARGE),
    Scenario("create-scaled", None, SCALED),
    Scenario("grow", SMALL, LARGE),
    Scenario("shrink", LARGE, SMALL),
    Scenario("scaling-on", SMALL, SCALED),
    Scenario("scaling-off", SCALED, LARGE),
    Scenario("suspend", LARGE, {**LARGE, "suspend": True}),
    Scenario("suspend-scaled", SCALED, {**SCALED, "suspend": True}),
    Scenario("other-pods", SMALL, {**SMALL, "image": "example.com/other:2"}),
]
