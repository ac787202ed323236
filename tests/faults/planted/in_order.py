"""Bugs that only an order of events shows: a crash, a lost event, a view of the past, a pause."""

from tests.faults.planted import in_queue_and_lease, in_reconcile
from tests.faults.planted.bug import Bug

_PLANS = "tests/faults"

_NAMED = {bug.name: bug for bug in (*in_reconcile.BUGS, *in_queue_and_lease.BUGS)}

UNCHECKED_VIEW = _NAMED["writes follow from what the watch said, unchecked"]
STATUS_OVER_A_NEWER_ONE = _NAMED["the status is written over a newer one"]
UNFINISHED_HAND_OVER = _NAMED["a hand-over that a crash ended is not finished"]
DEAF_TO_CONFLICTS = _NAMED["the answer to a conflict is to go on as before"]
DEAF_TO_LISTS = _NAMED["what a new list no longer has stays known"]
PAUSED_LEADER_LEADS = _NAMED["a leader that was paused still leads"]

SCALER_FIRST = Bug(
    "the autoscaler is there before the number of replicas is held",
    "controller/children.py",
    "        if existed:\n            free = await",
    "        for step in plan.steps:\n"
    '            if existed and step.manifest["kind"] == SCALER:\n'
    "                await self._guarded(step, outcome)\n"
    "        if existed:\n            free = await",
    _PLANS,
)
GIVES_UP = Bug(
    "what was refused once is not tried again",
    "controller/worker.py",
    "        delay = queue.retry(key)\n        logger.warning(",
    "        delay = 0.0\n        logger.warning(",
    _PLANS,
)
NEVER_BLIND = Bug(
    "a watch that says nothing counts as alive because another one opened",
    "wiring/watches.py",
    "collection.doubtful = quiet >= _SURELY_GIVEN_UP_SECONDS",
    "collection.doubtful = False",
    _PLANS,
)
ORPHAN_TAKEN_OVER = Bug(
    "what an earlier resource of the name left behind is taken over",
    "controller/plan.py",
    "        elif child.owner != owner:\n",
    "        elif child.owner != owner and _of_earlier(child, manifest):\n",
    _PLANS,
)
