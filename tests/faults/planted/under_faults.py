"""Bugs that show under faults only: between two writes, in a stale view, in a lost event."""

from tests.faults.planted.bug import Bug

_CRASHES = "tests/faults/test_crashes.py"
_ERRORS = "tests/faults/test_errors.py"
_WATCHES = "tests/faults/test_watches.py"
_STALE = "tests/faults/test_stale_views.py"
_EDITS = "tests/faults/test_edits.py"

BUGS = (
    Bug(
        "a hand-over that a crash ended is not finished",
        "controller/handover.py",
        "return HandOver(release=held)",
        "return HandOver(release=held and bool(list(writes)))",
        _CRASHES,
    ),
    Bug(
        "a refusal is told and never tried again",
        "status/summarize.py",
        "return _BLOCKED_LOOK_SECONDS if blocked else None",
        "return None",
        _ERRORS,
    ),
    Bug(
        "a list after a lost event is not compared with what is known",
        "controller/store.py",
        "                concerned |= self._drop(kind, place)[1]\n",
        "                pass\n",
        _WATCHES,
    ),
    Bug(
        "children are deleted in whatever version they are",
        "kube/client.py",
        '"preconditions": {"uid": uid, "resourceVersion": resource_version},',
        "",
        _STALE,
    ),
    Bug(
        "the answer to a conflict is to go on as before",
        "controller/reconcile.py",
        "            memory.distrust = True\n            raise\n",
        "            return RESYNC_SECONDS\n",
        _EDITS,
    ),
)
