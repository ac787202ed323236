"""The last thing that went wrong: status.lastFailure, kept after it is over."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from scoring_operator.status.conditions import find, shorten, timestamp
from scoring_operator.status.reasons import Reason
from scoring_operator.status.trouble import Trouble

# A Secret may be created a moment after the resource that names it: by the same `kubectl apply`,
# or by an operator that copies it from a vault.
SECRET_GRACE: Final = timedelta(seconds=60)

Failure = Mapping[str, Any]


def last_failure(
    trouble: Trouble | None, previous_status: Mapping[str, Any], now: datetime
) -> Failure | None:
    """The failure to show: the previous one if this one is the same, or there is none."""
    previous: Failure | None = previous_status.get("lastFailure")
    if trouble is None:
        return previous
    failure = {"reason": str(trouble.reason), "message": shorten(trouble.message)}
    if trouble.pod is not None:
        failure["pod"] = trouble.pod
    if previous is not None and _same(failure, previous, previous_status):
        return {**failure, "time": previous["time"]}
    if previous is not None and trouble.since is not None and trouble.since <= previous["time"]:
        return previous
    return {**failure, "time": trouble.since or timestamp(now)}


def is_over_grace(failure: Failure | None, now: datetime) -> bool:
    """Whether a Secret has been missing for so long that it is not just late."""
    if failure is None or failure["reason"] != Reason.SECRET_NOT_FOUND:
        return False
    return now - datetime.fromisoformat(failure["time"]) >= SECRET_GRACE


def _same(failure: Failure, previous: Failure, previous_status: Mapping[str, Any]) -> bool:
    """Whether it is the failure of before, and not the next of its kind."""
    if "pod" in failure:
        return failure.items() <= previous.items()
    # Without a pod to tell two apart: it is the same as long as it lasts, in whatever words.
    lasts = find(previous_status.get("conditions", ()), "Ready").get("reason") == failure["reason"]
    return lasts and "pod" not in previous and previous["reason"] == failure["reason"]
