"""An operator among others, with a proxy of its own, which tells their writes apart."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.cluster.fixtures import Cluster
from tests.e2e.process import OperatorProcess
from tests.faults.actions import Action, Meanwhile
from tests.faults.calls import Call
from tests.faults.proxy import FaultProxy


class Replica:
    """An operator with its proxy; it stands for election in its namespace."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        namespace: str,
        *arguments: str,
        code: Path | None = None,
    ) -> None:
        self.proxy = FaultProxy(cluster.kubeconfig)
        self.namespace = namespace
        self._stack = ExitStack()
        self._stack.enter_context(self.proxy)
        number = len(list(folder.iterdir()))
        kubeconfig = self.proxy.write_kubeconfig(folder / f"kubeconfig-{number}")
        self.operator = OperatorProcess(
            kubeconfig,
            folder / f"operator-{number}.log",
            *("--namespace", namespace, "--lease-name", "two", "--lease-namespace", namespace),
            *arguments,
            code=code,
        )
        self._stack.enter_context(self.operator)

    def close(self) -> None:
        """End it, paused or not."""
        if self.operator.process.poll() is None:
            self.operator.process.kill()
            self.operator.process.wait()
        self._stack.close()

    def writes(self) -> int:
        """How many writes it has sent; neither Leases nor Events."""
        return sum(call.write > 0 for call in self.proxy.calls)

    def send_signal(self, number: signal.Signals) -> None:
        """To the process."""
        self.operator.process.send_signal(number)

    def pause_after(self, write: int) -> threading.Event:
        """Send SIGSTOP when the API server has done a write; set once that is so."""
        paused = threading.Event()

        def pause() -> None:
            self.send_signal(signal.SIGSTOP)
            paused.set()

        def decide(call: Call) -> Action | None:
            return Meanwhile(pause, after=True) if call.write == write else None

        self.proxy.decide = decide
        return paused
