"""What is measured of the operator: one, many at once, a roll-out, rest, a restart."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import reconciler_audit as audit
from benchmarks.reconciler_bare import AGENT, BareClient, Write, all_of, creation, patch
from benchmarks.reconciler_cluster import NAMESPACE, Place
from tests.e2e.process import OperatorProcess

OPERATOR = "scoring-operator"
_QUIET_SECONDS = 3.0
_LONGEST_SECONDS = 600.0
_MEGABYTE = 1e6
_LOOKS = "scoring_operator_reconcile_total"

Figures = dict[str, Any]


class Watch:
    """The operator between two moments: its calls by the audit log, and its CPU."""

    def __init__(self, place: Place, operator: OperatorProcess | None = None) -> None:
        """From now on; without an operator, from the start of the one that is given later."""
        self._place = place
        self.operator = operator
        self._since = audit.offset(place.audit_log)
        self._others = place.others()
        self._cpu = 0.0 if operator is None else _cpu_seconds(operator.process.pid)

    def calls(self, agent: str = OPERATOR) -> list[audit.Call]:
        """A client's calls so far."""
        return list(audit.calls(self._place.audit_log, self._since, agent))

    def figures(self, count: int) -> Figures:
        """Calls for one of `count` resources, and CPU."""
        assert self.operator is not None
        made = self.calls()
        return {
            "callsEach": {text: n / count for text, n in audit.counts(made).items()},
            "writes": sum(call.writes for call in made),
            "calls": len(made),
            "refused": sum(call.code == 429 for call in made),
            "cpuSeconds": _cpu_seconds(self.operator.process.pid) - self._cpu,
            "othersCores": self._others.cores(),
        }


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(operator: OperatorProcess) -> float:
    """Resident memory."""
    return operator.memory() / _MEGABYTE


def memory(operator: OperatorProcess) -> Figures:
    """Resident memory, and the most that it ever had."""
    status = Path(f"/proc/{operator.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    peak = int(line.split()[1]) * 1024 / _MEGABYTE
    return {"megabytes": megabytes(operator), "peakMegabytes": peak}


def ready(operator: OperatorProcess) -> int:
    """How many resources are ready."""
    return int(operator.metric('scoring_operator_resources{reason="AllReplicasReady"}'))


def send_all(place: Place, names: Sequence[str], write: Callable[[str], Write]) -> None:
    """Users send one write for each name."""

    async def run() -> None:
        async with BareClient(place.login) as client:
            await all_of(names, lambda name: client.send(write(name)))

    asyncio.run(run())


def until_quiet(operator: OperatorProcess, done: Callable[[], bool]) -> None:
    """Wait until all is done and no look has been made for some seconds."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    looks, since = -1.0, time.monotonic()
    while True:
        now = operator.metric(_LOOKS)
        if now != looks:
            looks, since = now, time.monotonic()
        elif time.monotonic() - since >= _QUIET_SECONDS and done():
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the operator does not come to rest")
        time.sleep(0.5)


def singles(place: Place, operator: OperatorProcess, count: int) -> Figures:
    """One resource after the other on a quiet cluster: latency, and the calls for it."""
    names = [f"one-{number}" for number in range(count)]
    watch = Watch(place, operator)
    for number, name in enumerate(names, 1):
        send_all(place, [name], creation)
        _until_ready(operator, number)
    made = watch.calls()
    found = audit.latencies(watch.calls(AGENT), made)
    created = {
        "count": len(found),
        "milliseconds": audit.percentiles(found),
        **watch.figures(count),
    }
    watch = Watch(place, operator)
    for name in names:
        send_all(place, [name], lambda name: patch(name, _pods_label("two")))
        time.sleep(0.3)
    until_quiet(operator, lambda: ready(operator) == count)
    return {"create": created, "update": watch.figures(count)}


def _until_ready(operator: OperatorProcess, number: int) -> None:
    """Wait until so many are ready, and a moment more for the last words of others."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while ready(operator) < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{number} resources are not ready")
        time.sleep(0.05)
    time.sleep(0.2)


def create_wave(place: Place, operator: OperatorProcess, names: Sequence[str]) -> Figures:
    """Many resources at once, until all are ready."""
    wanted = ready(operator) + len(names)

    def wait() -> None:
        until_quiet(operator, lambda: ready(operator) == wanted)

    return _created(place, operator, names, wait)


def create_children(place: Place, operator: OperatorProcess, names: Sequence[str]) -> Figures:
    """Many resources at once, until their children exist: the figures are those of that moment."""

    def wait() -> None:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while _applied(operator) < len(names):
            if time.monotonic() > deadline:
                raise TimeoutError("there are children missing")
            time.sleep(0.5)

    return _created(place, operator, names, wait)


def _applied(operator: OperatorProcess) -> int:
    """How many autoscalers were created: of each resource the last child."""
    labels = '{code="201",resource="horizontalpodautoscalers",verb="apply"'
    return int(operator.metric(f"scoring_operator_api_requests_total{labels}"))


def _created(
    place: Place, operator: OperatorProcess, names: Sequence[str], wait: Callable[[], None]
) -> Figures:
    watch = Watch(place, operator)
    send_all(place, names, creation)
    wait()
    made, sent = watch.calls(), watch.calls(AGENT)
    began = min(call.began for call in sent)
    status = place.api.get("ScoringService", NAMESPACE, names[0])["status"]
    return {
        "createdSeconds": max(call.ended for call in sent) - began,
        "childrenSeconds": max(call.ended for call in made if call.code == 201) - began,
        "quietSeconds": max(call.ended for call in made if call.writes) - began,
        "milliseconds": audit.percentiles(audit.latencies(sent, made)),
        **memory(operator),
        "sample": status,
        **watch.figures(len(names)),
    }


def change_wave(
    place: Place, operator: OperatorProcess, names: Sequence[str], change: dict[str, Any]
) -> Figures:
    """The same change to many resources at once, until all are ready again."""
    before = ready(operator)
    looks = operator.metric(_LOOKS)
    watch = Watch(place, operator)
    send_all(place, names, lambda name: patch(name, change))
    until_quiet(operator, lambda: ready(operator) == before)
    made, sent = watch.calls(), watch.calls(AGENT)
    began = min(call.began for call in sent)
    return {
        "sentSeconds": max(call.ended for call in sent) - began,
        "quietSeconds": max((call.ended for call in made if call.writes), default=began) - began,
        "looks": operator.metric(_LOOKS) - looks,
        **watch.figures(len(names)),
    }


def roll_out(place: Place, operator: OperatorProcess, names: Sequence[str]) -> Figures:
    """New pods for many resources at once."""
    return change_wave(place, operator, names, _pods_label("three"))


def no_op(place: Place, operator: OperatorProcess, names: Sequence[str]) -> Figures:
    """A look at each resource that finds nothing to do."""
    note = {"metadata": {"annotations": {"example.com/note": "look"}}}
    return change_wave(place, operator, names, note)


def rest(place: Place, operator: OperatorProcess, seconds: float) -> Figures:
    """Nothing happens."""
    watch = Watch(place, operator)
    time.sleep(seconds)
    return {"seconds": seconds, **watch.figures(1)}


def restart(place: Place, operator: OperatorProcess, count: int) -> tuple[Figures, OperatorProcess]:
    """End the operator and start it anew where all is settled."""
    operator.stop()
    watch = Watch(place)
    began = time.monotonic()
    watch.operator = anew = place.operator().__enter__()
    while anew.metric(_LOOKS) < count:
        time.sleep(0.1)
    seconds = time.monotonic() - began
    until_quiet(anew, lambda: True)
    return {"seconds": seconds, **memory(anew), **watch.figures(1)}, anew


def _pods_label(value: str) -> dict[str, Any]:
    return {"spec": {"podTemplate": {"labels": {"wave": value}}}}
