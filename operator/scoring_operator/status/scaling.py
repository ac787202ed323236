"""Whether the autoscaler does its work, as the HorizontalPodAutoscaler tells it."""

from collections.abc import Mapping
from typing import Any

from scoring_operator.status.conditions import find

ACTIVE = "ScalingActive"
WAITING = "WaitingForAutoscaler"


def read_scaling(autoscaler: Mapping[str, Any] | None) -> tuple[bool, str, str]:
    """Whether it scales, a reason and a message, from its ScalingActive and AbleToScale."""
    conditions = (autoscaler or {}).get("status", {}).get("conditions", [])
    able, active = find(conditions, "AbleToScale"), find(conditions, "ScalingActive")
    for condition in (able, active):
        if condition.get("status") == "False":
            return False, condition.get("reason", WAITING), condition.get("message", "")
    if active.get("status") != "True":
        return False, WAITING, "the HorizontalPodAutoscaler has not decided anything yet"
    message = active.get("message", "")
    limited = find(conditions, "ScalingLimited")
    if limited.get("status") == "True":
        message += f"; {limited.get('message', '')}"
    return True, ACTIVE, message
