"""Clusters side by side, and what is left of them: nothing, also after a crash.

Needs root for the real nodes. Two such clusters at once need about 2 GiB of memory.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.cluster import leftovers, lifecycle, node, processes, status
from tests.cluster.errors import ClusterError
from tests.cluster.paths import REPOSITORY, ClusterPaths, cluster_paths
from tests.cluster.state import ClusterState, Request

_DEADLINE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def _embedded_only(kube_context: str | None) -> None:
    if kube_context is not None:
        pytest.skip("tests of the embedded cluster, not of the named one")


@pytest.fixture
def names() -> Iterator[tuple[str, str]]:
    """Two cluster names of this test's own; what they leave is removed even if the test fails."""
    own = (f"test-left-{os.getpid()}", f"test-right-{os.getpid()}")
    yield own
    for name in own:
        lifecycle.down(name)


def _wait_until_ended(paths: ClusterPaths) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while processes.marked(paths):
        assert time.monotonic() < deadline, f"still running: {processes.marked(paths)}"
        time.sleep(0.05)


def _wait_until_healthy(paths: ClusterPaths, state: ClusterState, restarts: int = 0) -> None:
    """Wait for that, and for so many restarts of the API server: one just killed may answer yet."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        seen = status.observe(paths, state)
        started = seen.components.get("kube-apiserver", {"restarts": 0})["restarts"]
        if seen.healthy and started >= restarts:
            return
        assert time.monotonic() < deadline, f"not healthy: {seen}"
        time.sleep(0.2)


@pytest.mark.api
def test_starting_a_cluster_that_is_up_changes_nothing(
    names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = lifecycle.up(Request(names[0]))
    before = processes.supervisor(cluster_paths(names[0]))
    assert lifecycle.up(Request(names[0])) == first
    assert processes.supervisor(cluster_paths(names[0])) == before
    assert "up already" in capsys.readouterr().err
    with pytest.raises(ClusterError, match="is up with other options"):
        lifecycle.up(Request(names[0], nodes="fake", fake_nodes=1))


@pytest.mark.api
def test_a_component_that_is_killed_is_started_again(names: tuple[str, str]) -> None:
    paths = cluster_paths(names[0])
    state = lifecycle.up(Request(names[0]))
    victim = next(p for p in processes.marked(paths) if p.command == "kube-apiserver")
    os.kill(victim.pid, signal.SIGKILL)
    _wait_until_healthy(paths, state, restarts=1)
    assert victim.pid not in [p.pid for p in processes.marked(paths)]


@pytest.mark.api
def test_a_cluster_ends_with_the_process_that_owns_it(names: tuple[str, str]) -> None:
    program = (
        "import os, time\n"
        "from tests.cluster import lifecycle\n"
        "from tests.cluster.state import Request\n"
        "reading, writing = os.pipe()\n"
        f"lifecycle.up(Request({names[0]!r}), owner=reading)\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        owner.kill()
    _wait_until_ended(cluster_paths(names[0]))
    lifecycle.remove_abandoned()
    assert not cluster_paths(names[0]).root.exists()


@pytest.mark.node
def test_two_real_clusters_side_by_side_and_nothing_is_left_of_them(names: tuple[str, str]) -> None:
    if reason := node.why_not_here():
        pytest.skip(f"no real node here: {reason}")
    machine_before = leftovers.machine_settings()
    paths = [cluster_paths(name) for name in names]
    states = [lifecycle.up(Request(name, nodes="real")) for name in names]

    assert _blocks(states[0]).isdisjoint(_blocks(states[1]))
    for state, its_paths in zip(states, paths, strict=True):
        _wait_until_healthy(its_paths, state)
        assert leftovers.traces(its_paths), "the list of traces must see a cluster that runs"

    # One is taken down in order, the other after its supervisor was killed.
    supervisor = processes.supervisor(paths[1])
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    _wait_until_ended(paths[1])
    _wait_until_healthy(paths[0], states[0])  # one cluster's crash must not touch another
    for name in names:
        assert lifecycle.down(name)
    for its_paths in paths:
        assert leftovers.traces(its_paths) == []
    assert leftovers.machine_settings() == machine_before


def _blocks(state: ClusterState) -> set[str]:
    assert state.network is not None
    return {state.network.block, state.network.services, state.network.pods, state.address}


@pytest.mark.node
def test_nothing_is_left_of_a_start_that_was_killed_half_way(names: tuple[str, str]) -> None:
    if reason := node.why_not_here():
        pytest.skip(f"no real node here: {reason}")
    paths = cluster_paths(names[0])
    command = [sys.executable, "-m", "tests.cluster", "up", "--name", names[0], "--nodes", "real"]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as starting:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not any(p.command == "kube-apiserver" for p in processes.marked(paths)):
            assert time.monotonic() < deadline, "the API server was not started"
            time.sleep(0.05)
        starting.kill()
    assert leftovers.traces(paths)
    assert lifecycle.down(names[0])
    assert leftovers.traces(paths) == []


@pytest.mark.api
def test_one_that_has_just_been_started_is_not_taken_for_abandoned(
    names: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its supervisor comes a moment after its folder; whoever looks just then waits, and looks."""
    reading, writing = os.pipe()
    paths = cluster_paths(names[0])
    looks = iter([None])
    supervisor = processes.supervisor

    def late(asked: ClusterPaths) -> processes.Process | None:
        return next(looks, supervisor(asked)) if asked == paths else supervisor(asked)

    lifecycle.up(Request(names[0]), owner=reading)
    monkeypatch.setattr(processes, "supervisor", late)
    lifecycle.remove_abandoned()
    assert supervisor(paths) is not None
    lifecycle.down(names[0])
    os.close(reading)
    os.close(writing)


@pytest.mark.api
def test_a_cluster_whose_name_is_no_name_is_refused() -> None:
    with pytest.raises(ClusterError, match="cannot name a cluster"):
        lifecycle.up(Request("../elsewhere"))


def test_taking_down_what_is_not_there_says_so() -> None:
    assert not lifecycle.down(f"test-none-{os.getpid()}")
