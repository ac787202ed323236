"""The one answer to: is this service as it should be, and if not, why?"""

from dataclasses import dataclass

from scoring_operator.status.reasons import Reason
from scoring_operator.status.trouble import Trouble


@dataclass(frozen=True)
class Verdict:
    """`ready` or a reason why not; `stalled` names the reason why waiting will not help."""

    ready: bool
    reason: Reason
    message: str
    stalled: Reason | None = None
    trouble: Trouble | None = None
