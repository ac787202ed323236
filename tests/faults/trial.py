"""One operator behind a fault proxy, serving one namespace."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.e2e.api import Api
from tests.e2e.process import OperatorProcess
from tests.e2e.resources import scoring_service
from tests.faults.calls import Call
from tests.faults.proxy import FaultProxy

NAME = "faq"
SETTLED_SECONDS = 30.0
# Longer than any delay that the operator takes between two of its own steps on a healthy server.
QUIET_SECONDS = 1.3


class Trial:
    """Starts and kills operators; the proxy counts what they do."""

    def __init__(self, api: Api, kubeconfig: Path, folder: Path, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.proxy = FaultProxy(kubeconfig)
        self._folder = folder
        self._operator: OperatorProcess | None = None
        self._started = 0

    def __enter__(self) -> Trial:
        self.proxy.__enter__()
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
        self._operator = OperatorProcess(kubeconfig, log, *arguments, wait=wait)
        return self._operator.__enter__()

    def kill(self) -> None:
        """SIGKILL."""
        self.operator.process.kill()

    def revive(self) -> None:
        """Wait until the operator has been killed, and start another."""
        self.operator.process.wait(timeout=SETTLED_SECONDS)
        self.start()

    def apply(self, spec: dict[str, Any], name: str = NAME) -> None:
        """Apply a ScoringService in the trial's namespace, around the proxy."""
        self.api.apply(scoring_service(self.namespace, name, **spec))

    def settle(self, names: Iterable[str] = (NAME,)) -> None:
        """Wait until the newest generations are observed and the operator has come to rest."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while True:
            calls = self._calls()
            time.sleep(QUIET_SECONDS)
            if self._calls() == calls and all(map(self._observed, names)):
                return
            assert time.monotonic() < deadline, "the operator does not come to rest"

    def counts(self, name: str = NAME) -> Counter[str]:
        """How often what was created, and deleted, for a resource, as far as that was done."""
        return Counter(effect for call in self.calls(name) if (effect := _effect(call, name)))

    def calls(self, name: str = NAME) -> list[Call]:
        """The calls about a ScoringService and its children."""
        return [call for call in self.proxy.calls if belongs(call, name)]

    def _calls(self) -> int:
        return sum(call.verb != "watch" and bool(call.resource) for call in self.proxy.calls)

    def _observed(self, name: str) -> bool:
        resource = self.api.get("ScoringService", self.namespace, name)
        status = resource.get("status", {})
        return bool(status.get("observedGeneration") == resource["metadata"]["generation"])


def belongs(call: Call, name: str) -> bool:
    """Whether a call is about a ScoringService of this name, or a child of it."""
    return call.name == name or call.name.startswith(f"{name}-")


def _effect(call: Call, name: str) -> str | None:
    if not call.write:
        return None
    child = f"{call.resource}/{call.name.replace(name, NAME)}"
    if call.code == 201:
        return f"create {child}"
    if call.verb == "delete" and call.code == 200:
        return f"delete {child}"
    return None
