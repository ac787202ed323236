"""R13: etcd and the API server themselves are killed, and paused."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.cluster import processes
from tests.cluster.fixtures import Cluster
from tests.cluster.paths import cluster_paths
from tests.e2e.api import Api
from tests.faults.conftest import NewTrial
from tests.faults.kept import Kept
from tests.faults.trial import Trial
from tests.reliability.figures import record

pytestmark = pytest.mark.api

NAME = "faq"
SEEING_AGAIN_SECONDS = 120.0
MARGIN_SECONDS = 30.0
PAUSES = (10.0,)
LONG_PAUSES = (10.0, 60.0, 300.0)

Kill = Callable[[str, signal.Signals], None]


@pytest.fixture
def send(api_cluster: Cluster) -> Kill:
    """Send a signal to a component; its supervisor starts it anew if it ends."""
    if not api_cluster.is_embedded:
        pytest.skip("needs the processes of an embedded control plane")

    def to(command: str, number: signal.Signals) -> None:
        found = processes.marked(cluster_paths(api_cluster.name))
        pids = [process.pid for process in found if process.command == command]
        assert pids, f"no {command} runs"
        for pid in pids:
            os.kill(pid, number)

    return to


def patient(trial: Trial, do: Callable[[Api], object]) -> None:
    """Do something with the API server as soon as it is there."""
    deadline = time.monotonic() + SEEING_AGAIN_SECONDS
    while True:
        try:
            do(Api(trial.kubeconfig))
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def sees_again(kept: Kept, number: int) -> float:
    """Seconds until a change from now on is carried out, the API server's own start included."""
    began = time.monotonic()
    trial = kept.trial
    patient(trial, lambda api: _scale(api, trial.namespace, number))
    trial.api = Api(trial.kubeconfig)

    def done() -> bool:
        try:
            found = trial.api.find("Deployment", trial.namespace, NAME)
        except Exception:  # on its way up the API server answers this and that
            trial.api = Api(trial.kubeconfig)
            return False
        return found is not None and found["spec"]["replicas"] == number

    assert kept.until(done, began + SEEING_AGAIN_SECONDS + MARGIN_SECONDS), "up and blind"
    return time.monotonic() - began


def _scale(api: Api, namespace: str, number: int) -> None:
    api.patch("ScoringService", namespace, NAME, {"spec": {"replicas": number}})


@pytest.mark.timeout(1800)
def test_the_operator_outlives_its_control_plane(
    new_trial: NewTrial, send: Kill, long: bool
) -> None:
    with new_trial() as trial:
        kept = Kept(trial)
        kept.until(trial.operator.is_ready, time.monotonic() + SEEING_AGAIN_SECONDS)
        trial.apply({"replicas": 1}, NAME)
        seconds = {"nothing": sees_again(kept, 2)}
        for number, command in enumerate(("etcd", "kube-apiserver"), 3):
            send(command, signal.SIGKILL)
            seconds[f"{command} killed"] = sees_again(kept, number)
        for number, pause in enumerate(LONG_PAUSES if long else PAUSES, 5):
            send("kube-apiserver", signal.SIGSTOP)
            try:
                kept.until(lambda: False, time.monotonic() + pause)
            finally:
                send("kube-apiserver", signal.SIGCONT)
            seconds[f"API server paused for {pause:g} s"] = sees_again(kept, number)
        restarts = kept.restarts
    for part, value in seconds.items():
        if part != "nothing":
            record("R13", part, f"seen again after {value:.1f} s")
    record("R13", "restarts of the operator by these", str(restarts))
