"""Weighs refusals, what is missing, pods and exposure against one another."""

from scoring_operator.api import ScoringService
from scoring_operator.status.exposure import Exposure
from scoring_operator.status.observed import Observed
from scoring_operator.status.reasons import TERMINAL, Reason
from scoring_operator.status.secrets import missing_secrets
from scoring_operator.status.trouble import Trouble
from scoring_operator.status.verdict import Verdict


def judge(
    service: ScoringService, observed: Observed, workload: Verdict, exposure: Exposure
) -> Verdict:
    """The verdict on all, the most decisive first.

    What only a person can change is told at once, also while pods still start.
    """
    if observed.refusals:
        return _refused(observed)
    blocker = _terminal(exposure) or missing_secrets(service, observed)
    if blocker is not None:
        stalled = blocker.reason if blocker.reason in TERMINAL else None
        also = f"; {workload.message}" if workload.trouble is not None else ""
        return Verdict(False, blocker.reason, blocker.message + also, stalled, blocker)
    waits_for = exposure.waits_for
    if workload.ready and waits_for is not None:
        return Verdict(False, Reason(waits_for.reason), waits_for.message)
    return workload


def _refused(observed: Observed) -> Verdict:
    # The API server may take a quota's refusal back; a conflict is there until someone acts. The
    # writes end in any order, and the same refusals are to read the same each time.
    refusals = sorted(
        observed.refusals, key=lambda item: (item.reason not in TERMINAL, item.kind, item.name)
    )
    message = "; ".join(f"{item.kind} {item.name}: {item.message}" for item in refusals)
    reason = refusals[0].reason
    trouble = Trouble(reason, message)
    return Verdict(False, reason, message, reason if reason in TERMINAL else None, trouble)


def _terminal(exposure: Exposure) -> Trouble | None:
    waits_for = exposure.waits_for
    if waits_for is None or waits_for.reason not in TERMINAL:
        return None
    return Trouble(Reason(waits_for.reason), waits_for.message)
