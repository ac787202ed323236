"""How long a child stays as a stranger left it, where all else is settled."""

import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import reconciler_audit as audit
from benchmarks import reconciler_waves as waves
from benchmarks.reconciler_cluster import NAMESPACE, Place
from scoring_operator.controller.children import CHILDREN
from tests.e2e.harms import deleted, edited
from tests.e2e.process import OperatorProcess

_KINDS = ("Deployment", "Service", "HorizontalPodAutoscaler", "NetworkPolicy")
_EACH = 10  # resources whose child is harmed in each of the ways
_LONGEST_SECONDS = 10.0
_MORE_SECONDS = 0.5  # some harms take two writes, one right after the other


def repairs(place: Place, operator: OperatorProcess, names: Sequence[str]) -> dict[str, Any]:
    """Milliseconds by kind and harm, from the answer to the stranger to the last to the operator.

    Each time of another resource, if there are enough of them.
    """
    found = {}
    turns = itertools.cycle(names)
    for kind, harm in itertools.product(_KINDS, (edited, deleted)):
        seconds = []
        for name in itertools.islice(turns, _EACH):
            child = {**place.api.get(kind, NAMESPACE, name), "kind": kind}
            since = audit.offset(place.audit_log)
            harm(place.api, NAMESPACE, child)
            harmed = time.time()
            seconds.append(_written(place, since, kind, name) - harmed)
        found[f"{kind} {harm.__name__}"] = {
            "p50": 1000 * statistics.median(seconds),
            "most": 1000 * max(seconds),
        }
    waves.until_quiet(operator, lambda: True)
    return found


def _written(place: Place, since: int, kind: str, name: str) -> float:
    """When the operator's last write to the child was answered, in seconds since 1970."""

    def ends() -> list[float]:
        return [
            call.ended
            for call in audit.calls(place.audit_log, since, waves.OPERATOR)
            if call.writes and call.resource == CHILDREN[kind].plural and call.name == name
        ]

    deadline = time.monotonic() + _LONGEST_SECONDS
    while not ends():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the {kind} {name} is not put right")
        time.sleep(0.02)
    time.sleep(_MORE_SECONDS)
    return max(ends())
