"""Starts a cluster and takes it down."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.cluster import (
    build,
    cgroups,
    console,
    controlplane,
    fakenodes,
    network,
    node,
    ports,
    processes,
    status,
)
from tests.cluster.api import ApiClient, wait_until
from tests.cluster.errors import ClusterError
from tests.cluster.locks import exclusive
from tests.cluster.paths import (
    REPOSITORY,
    ClusterPaths,
    cache_root,
    cluster_names,
    cluster_paths,
)
from tests.cluster.state import ClusterState, Request
from tests.cluster.units import write_unit

_START_SECONDS = 120.0


def up(request: Request, owner: int | None = None) -> ClusterState:
    """Start the cluster, or find it running; return its state.

    ``owner`` is the reading end of a pipe: the cluster ends when every writing end is closed.
    Whatever goes wrong, or Ctrl-C, takes down what was started.
    """
    paths = cluster_paths(request.name)
    if request.nodes == "real":
        node.check_machine()
    with exclusive(_lock(paths), f"the cluster {request.name}"):
        running = ClusterState.load(paths)
        if running is not None and running.ready and processes.supervisor(paths) is not None:
            _check_same(running.request, request)
            status.check_healthy(paths, running)
            console.say(f"✓ the cluster {request.name} is up already")
            return running
        _remove(paths)
        try:
            return _start(paths, request, owner)
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt):
                _keep_logs(paths)
            _remove(paths)
            raise


def down(name: str) -> bool:
    """Take the cluster down and remove all that it left; say whether there was anything."""
    paths = cluster_paths(name)
    with exclusive(_lock(paths), f"the cluster {name}"):
        if not paths.root.exists() and not processes.marked(paths):
            return False
        with console.step(f"taking the cluster {name} down"):
            _remove(paths)
        return True


def remove_abandoned() -> None:
    """Remove what clusters left whose owner (a test run) is gone."""
    for paths in map(cluster_paths, cluster_names()):
        if _is_abandoned(paths):
            # One that another process is just starting has no supervisor yet: wait for it.
            with exclusive(_lock(paths), f"the cluster {paths.root.name}"):
                if _is_abandoned(paths):
                    _remove(paths)


def _is_abandoned(paths: ClusterPaths) -> bool:
    state = ClusterState.load(paths)
    return state is not None and state.owned and processes.supervisor(paths) is None


def _lock(paths: ClusterPaths) -> Path:
    return cache_root() / "locks" / f"cluster-{paths.root.name}"


def _check_same(running: Request, request: Request) -> None:
    if running != request:
        raise ClusterError(
            f"the cluster {request.name} is up with other options ({running}); take it down first: "
            f"python -m tests.cluster down --name {request.name}"
        )


def _start(paths: ClusterPaths, request: Request, owner: int | None) -> ClusterState:
    binaries = build.ensure(build.KUBERNETES)
    tools = fakenodes.build_tools() if request.nodes == "fake" else None
    node_tools = node.build_tools() if request.nodes == "real" else None

    for folder in (paths.certificates, paths.configuration, paths.logs, paths.units, paths.data):
        folder.mkdir(parents=True, mode=0o700)
    state = ClusterState(
        request=request,
        version=build.module_version(build.KUBERNETES),
        ports={},
        owned=owner is not None,
    )
    state.save(paths)
    with console.step("starting the control plane"):
        state = _locate(paths, state, owner)
        check = _component_check(paths)
        controlplane.prepare(paths, state)
        api = ApiClient(state.server, paths.certificates)
        write_unit(paths, "etcd", controlplane.etcd(paths, state, binaries))
        write_unit(paths, "kube-apiserver", controlplane.apiserver(paths, state, binaries))
        wait_until(
            lambda: api.succeeds("/readyz"), "the API server is ready", _START_SECONDS, check
        )
        manager = controlplane.controller_manager(paths, state, binaries)
        write_unit(paths, "kube-controller-manager", manager)
        write_unit(paths, "kube-scheduler", controlplane.scheduler(paths, state, binaries))
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        wait_until(lambda: api.succeeds(account), "the controllers work", _START_SECONDS, check)
    if node_tools is not None:
        node.start(paths, state, api, binaries, node_tools, check)
    if tools is not None:
        fakenodes.start(paths, state, api, tools, check)
    state = dataclasses.replace(state, ready=True)
    state.save(paths)
    return state


def _locate(paths: ClusterPaths, state: ClusterState, owner: int | None) -> ClusterState:
    """Start the supervisor and pick the addresses and ports."""
    if state.request.nodes == "real":
        cgroups.create(paths)
        pid = _supervise(paths, owner, in_namespaces=True)
        joined = network.connect(paths, pid)
        state = dataclasses.replace(state, network=joined, ports=controlplane.CUSTOMARY_PORTS)
        state.save(paths)
        return state
    with exclusive(cache_root() / "locks" / "ports", "the choice of ports"):
        others = (ClusterState.load(cluster_paths(name)) for name in cluster_names())
        taken = frozenset(port for other in others if other for port in other.ports.values())
        wanted = (*controlplane.PORTS, *(fakenodes.PORTS if state.request.nodes == "fake" else ()))
        picked = ports.free_ports(len(wanted), taken)
        state = dataclasses.replace(state, ports=dict(zip(wanted, picked, strict=True)))
        state.save(paths)
    _supervise(paths, owner, in_namespaces=False)
    return state


def _supervise(paths: ClusterPaths, owner: int | None, *, in_namespaces: bool) -> int:
    """Start the supervisor in the background; return its process id on the machine."""
    command = [sys.executable, "-m", "tests.cluster.supervisor", str(paths.root)]
    if owner is not None:
        command.append(f"--owner-fd={owner}")
    if in_namespaces:
        # The mounts are made private here and shared again within, so that none gets out.
        namespaces = ["--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc"]
        isolated = ["unshare", *namespaces, "--propagation", "private"]
        command = [*isolated, *command, "--node"]
    with (paths.logs / "supervisor.log").open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env=_supervisor_environment(paths),
            pass_fds=() if owner is None else (owner,),
            check=True,
        )
    wait_until(paths.components.exists, "the supervisor runs", _START_SECONDS, lambda: None)
    process = processes.supervisor(paths)
    if process is None:
        raise ClusterError(f"the supervisor ended at once:\n{status.log_tail(paths, 'supervisor')}")
    return process.pid


def _supervisor_environment(paths: ClusterPaths) -> dict[str, str]:
    scratch = paths.data / "tmp"
    scratch.mkdir(exist_ok=True)
    return {
        processes.MARK: str(paths.root),
        "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
    }


def _component_check(paths: ClusterPaths) -> Callable[[], None]:
    def check() -> None:
        if processes.supervisor(paths) is None:
            raise ClusterError(f"the supervisor ended:\n{status.log_tail(paths, 'supervisor')}")
        components = json.loads(paths.components.read_text())
        for name, report in components.items():
            if report["restarts"] >= 3:
                tail = status.log_tail(paths, name)
                raise ClusterError(f"{name} ends again and again ({report['exit']}):\n{tail}")

    return check


def _keep_logs(paths: ClusterPaths) -> None:
    """Keep the logs of a start that failed, beside where the cluster was."""
    if paths.logs.is_dir():
        kept = cache_root() / "failed-starts" / paths.root.name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(paths.logs, kept, ignore_dangling_symlinks=True)
        console.say(f"the logs of the failed start are kept in {kept}")


def _remove(paths: ClusterPaths) -> None:
    """Remove every trace; also of a cluster that crashed half-way up or half-way down."""
    processes.kill_all(paths)
    if os.geteuid() == 0:
        network.disconnect(paths)
        cgroups.remove(paths)
    if paths.root.exists():
        shutil.rmtree(paths.root)
