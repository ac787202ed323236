"""One operator behind a fault proxy, serving one namespace."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from scoring_operator.status.conditions import find
from tests.e2e.api import Api, Object, eventually
from tests.e2e.process import OperatorProcess
from tests.e2e.resources import scoring_service
from tests.faults.calls import Call
from tests.faults.proxy import FaultProxy
from tests.faults.scenarios import Scenario, filled
from tests.faults.streams import Event
from tests.faults.witness import Witness

# Generous: these end a trial that hangs, on a machine that is busy with other tests.
DEADLINE_SECONDS = 300.0
# The operator says when it will look again. What takes it longer than this is no step of a change,
# but a look at something that may never come, such as the slow resync.
PATIENCE_SECONDS = 4.0
# What is refused for good, as far as the operator can tell, is tried again every 30 s.
CONVERGED_SECONDS = 200.0
QUIET_SECONDS = 1.1
# Longer than the operator takes between two looks at something that it waits for.
STILL_SECONDS = 3.0


class Trial:
    """Starts and kills operators; the proxy counts what they do."""

    def __init__(
        self, kubeconfig: Path, folder: Path, namespace: str, code: Path | None = None
    ) -> None:
        self.kubeconfig = kubeconfig
        self.code = code
        """A folder with another operator than this checkout's."""
        self.patience = CONVERGED_SECONDS
        self.api = Api(kubeconfig)  # of its own: trials run side by side
        self.namespace = namespace
        self.proxy = FaultProxy(kubeconfig)
        self.witness = Witness(kubeconfig, namespace)
        self._folder = folder
        self._operator: OperatorProcess | None = None
        self._started = 0
        self.restarts = 0
        """How often an operator ended by itself, and was started anew."""

    def __enter__(self) -> Trial:
        self.api.create_namespace(self.namespace)
        self.api.request(
            "POST",
            f"/api/v1/namespaces/{self.namespace}/secrets",
            {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "keys"}},
        )
        self._folder.mkdir(parents=True)
        self.proxy.__enter__()
        self.witness.__enter__()
        self.proxy.kill = self.kill
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._operator is not None:
            self.kill()  # it has nothing to say any more, and ending in peace takes its time
            self._operator.process.wait()
            self._operator.__exit__(kind, error, trace)
        self.proxy.__exit__(kind, error, trace)
        self.witness.__exit__(kind, error, trace)
        self.api.request("DELETE", f"/api/v1/namespaces/{self.namespace}")

    @property
    def operator(self) -> OperatorProcess:
        """The operator that was started last."""
        assert self._operator is not None
        return self._operator

    def start(self, *, wait: bool = True) -> OperatorProcess:
        """Start an operator; `wait` until it has seen everything."""
        self._started += 1
        kubeconfig = self.proxy.write_kubeconfig(self._folder / "kubeconfig")
        log = self._folder / f"operator-{self._started}.log"
        arguments = ("--namespace", self.namespace, "--no-leader-election")
        self._operator = OperatorProcess(kubeconfig, log, *arguments, wait=False, code=self.code)
        self._operator.__enter__()
        if wait:
            eventually(self.operator.is_ready, "the operator is ready", DEADLINE_SECONDS, 0.05)
        return self._operator

    def kill(self) -> None:
        """SIGKILL."""
        self.operator.process.kill()

    def revive(self) -> None:
        """Wait until the operator has been killed, and start another."""
        self.operator.process.wait(timeout=DEADLINE_SECONDS)
        self.start()

    def keep(self) -> None:
        """Start the operator anew if it has ended, as a cluster does."""
        if self.operator.process.poll() is not None:
            self.restarts += 1
            self.start(wait=False)  # it may meet the next fault before it has seen everything

    def apply(self, spec: dict[str, Any], name: str) -> Object:
        """Apply a ScoringService in the trial's namespace, around the proxy."""
        return self.api.apply(scoring_service(self.namespace, name, **filled(spec, name)))

    def begin(self, scenarios: Mapping[str, Scenario]) -> None:
        """Start an operator and bring resources, by name, to where their scenarios begin."""
        self.start()
        self.prepare(scenarios)
        self.forget()

    def prepare(self, scenarios: Mapping[str, Scenario]) -> None:
        """Bring resources to where their scenarios begin."""
        found = {name: item.before for name, item in scenarios.items() if item.before is not None}
        for name, spec in found.items():
            self.apply(spec, name)
        self.settle(found)

    def forget(self) -> None:
        """Count calls, events and replicas anew."""
        self.proxy.forget()
        self.witness.forget()

    def go_on(self, scenario: Scenario, name: str) -> None:
        """What happens to a resource in the scenario."""
        if scenario.anew:
            self.api.delete("ScoringService", self.namespace, name)
        self.apply(scenario.after, name)

    def settle(self, names: Collection[str]) -> None:
        """Wait until the operator, and Kubernetes behind it, have come to rest."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            # What others said last counts only when the operator has had its say about it.
            before = self.unsettled(names)
            self.quiet()
            if not before and not self.unsettled(names):
                return
            assert time.monotonic() < deadline, f"never at rest: {before}"

    def quiet(self) -> None:
        """Wait until the operator has nothing to do, as far as it knows."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        before, since = None, time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            self.keep()
            assert time.monotonic() < deadline, f"the operator does not come to rest: {before}"
            now = self._activity()
            if now != before or not self._has_nothing_to_do():
                before, since = now, time.monotonic()
            time.sleep(0.1)

    def still(self) -> None:
        """Wait until nothing has happened for a while, though the operator may wait for more."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        before, since = self._activity(), time.monotonic()
        while time.monotonic() - since < STILL_SECONDS:
            self.keep()
            assert time.monotonic() < deadline, f"there is always something going on: {before}"
            if (now := self._activity()) != before or self._works():
                before, since = now, time.monotonic()
            time.sleep(0.1)

    def counts(self, name: str) -> Counter[str]:
        """How often what was created, and deleted, for a resource, as far as that was done."""
        return Counter(effect for call in self.calls(name) if (effect := _effect(call, name)))

    def calls(self, name: str) -> list[Call]:
        """The calls about a ScoringService and its children, messages for people aside."""
        return [call for call in self.proxy.calls if belongs(call.name, name)]

    def events(self, name: str) -> list[Event]:
        """The events of watches about a ScoringService, its children and its pods."""
        return [event for event in self.proxy.streams.seen if belongs(event.name, name)]

    def _activity(self) -> tuple[int, int]:
        """What changes as long as anything goes on."""
        calls = sum(call.verb != "watch" and bool(call.resource) for call in self.proxy.calls)
        return calls, len(self.proxy.streams.seen)

    def _facts(self) -> Object | None:
        """What it says of itself; None while it does not run, or has not seen everything yet."""
        try:
            if self.operator.get("/readyz")[0] != 200:
                return None
            facts: Object = json.loads(self.operator.get("/healthz")[1])
        except OSError:  # it has just ended
            return None
        return facts

    def _works(self) -> bool:
        facts = self._facts()
        return facts is None or facts["queueDepth"] > 0 or facts["busySeconds"] > 0

    def _has_nothing_to_do(self) -> bool:
        if (facts := self._facts()) is None:
            return False
        due = facts["nextLookSeconds"]
        idle = facts["queueDepth"] == 0 and facts["busySeconds"] == 0
        return idle and (due is None or due > PATIENCE_SECONDS)

    def unsettled(self, names: Collection[str]) -> list[str]:
        """Objects whose controllers have not had their say."""
        found = []
        for resource in self.api.list("ScoringService", self.namespace):
            name, status = resource["metadata"]["name"], resource.get("status", {})
            if status.get("observedGeneration") != resource["metadata"]["generation"]:
                found.append(f"ScoringService {name}")
        for child in self.api.list("Deployment", self.namespace):
            status = child.get("status", {})
            # Pods that are refused (an unknown PriorityClass) will not come.
            refused = find(status.get("conditions") or (), "ReplicaFailure")
            enough = refused or status.get("replicas", 0) >= child["spec"]["replicas"]
            if status.get("observedGeneration") != child["metadata"]["generation"] or not enough:
                found.append(f"Deployment {child['metadata']['name']}")
        found += [
            f"HorizontalPodAutoscaler {child['metadata']['name']}"
            for child in self.api.list("HorizontalPodAutoscaler", self.namespace)
            if not child.get("status", {}).get("conditions")
        ]
        return [item for item in found if item.partition(" ")[2] in names]


def belongs(child: str, name: str) -> bool:
    """Whether an object's name is that of a ScoringService, or of a child of it."""
    return child == name or child.startswith(f"{name}-")


def _effect(call: Call, name: str) -> str | None:
    if not call.write:
        return None
    child = f"{call.resource}/{call.name.replace(name, 'the-name')}"
    if call.code == 201:
        return f"create {child}"
    if call.verb == "delete" and call.code == 200:
        return f"delete {child}"
    return None
