"""What is wrong: a reason of the closed list, and the cluster's own words."""

from dataclasses import dataclass

from scoring_operator.status.reasons import Reason


@dataclass(frozen=True)
class Trouble:
    """Why a service is not as it should be; `pod` where it is one pod's.

    `since` is the time of what is over already, None for what lasts.
    """

    reason: Reason
    message: str
    pod: str | None = None
    restarts: int = 0
    since: str | None = None
