"""Bugs of the look at a resource, and of what is known of its children."""

from tests.faults.planted.bug import UNIT, Bug

_TESTS = f"{UNIT}/controller"

BUGS = (
    Bug(
        "writes follow from what the watch said, unchecked",
        "controller/reconcile.py",
        "if memory.distrust or (view.touches_children and view.observed):",
        "if memory.distrust:",
        _TESTS,
    ),
    Bug(
        "the status is written over a newer one",
        "controller/reconcile.py",
        '{"metadata": {"resourceVersion": version}, "status": patch}',
        '{"metadata": {}, "status": patch}',
        _TESTS,
    ),
    Bug(
        "children are changed before the new generation is said to be under way",
        "controller/reconcile.py",
        "begins = view.touches_children and not view.observed",
        "begins = False",
        _TESTS,
    ),
    Bug(
        "a resource that is going gets children",
        "controller/reconcile.py",
        'return "deletionTimestamp" in metadata(resource)',
        "return False",
        _TESTS,
    ),
    Bug(
        "what belongs to others is deleted",
        "controller/plan.py",
        "if child.owner == owner and name not in wanted and not leaving:",
        "if name not in wanted and not leaving:",
        _TESTS,
    ),
    Bug(
        "a stranger's object is taken over",
        "controller/plan.py",
        "        elif child.owner != owner:\n",
        "        elif child.owner is not None and child.owner != owner:\n",
        _TESTS,
    ),
    Bug(
        "the autoscaler's number is not held when it takes over",
        "controller/handover.py",
        "return HandOver(secure=floor) if writing or not deployment.replicas_held else HandOver()",
        "return HandOver()",
        _TESTS,
    ),
    Bug(
        "an older version of an object replaces a newer one",
        "controller/store.py",
        "return before.version == version or _older(version, before.version)",
        "return before.version == version",
        _TESTS,
    ),
    Bug(
        "what was deleted comes back with a late event",
        "controller/store.py",
        "if uid in self._gone and not _older(self._gone[uid], version):",
        "if not uid:",
        _TESTS,
    ),
    Bug(
        "what a new list no longer has stays known",
        "controller/store.py",
        "if inside and place not in listed and not _older(version, entry.version):",
        "if inside and not listed and not _older(version, entry.version):",
        _TESTS,
    ),
    Bug(
        "a field that left the manifest stays on the child",
        "controller/drift.py",
        "digest = hashlib.sha256(canonical(manifest)).hexdigest()[:32]",
        'digest = hashlib.sha256(canonical(manifest["metadata"])).hexdigest()[:32]',
        _TESTS,
    ),
    Bug(
        "a status that nobody changed is written again and again",
        "controller/reconcile.py",
        "        if not patch:\n            return resource\n",
        "",
        _TESTS,
    ),
    Bug(
        "a hand-over that a crash ended is not finished",
        "controller/handover.py",
        "return HandOver(release=held)",
        "return HandOver(release=held and bool(list(writes)))",
        _TESTS,
    ),
    Bug(
        "a list after a lost event is not compared with what is known",
        "controller/store.py",
        "                concerned |= self._drop(kind, place)[1]\n",
        "                pass\n",
        _TESTS,
    ),
    Bug(
        "the answer to a conflict is to go on as before",
        "controller/reconcile.py",
        "            memory.distrust = True\n            raise\n",
        "            return RESYNC_SECONDS\n",
        _TESTS,
    ),
)
