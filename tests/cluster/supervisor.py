"""Keeps a cluster's components running: ``python -m tests.cluster.supervisor FOLDER``.

The folder ``units/`` is what is wanted: one JSON file per component with its ``argv``. A component
whose file appears is started, one that ends is started again after a growing pause, one whose file
goes is ended. With ``--owner-fd`` the whole cluster ends when the other end of that pipe closes, so
that the clusters of a killed test run do not outlive it. On a node it is process 1 of a process
namespace: when it dies, however that happens, the kernel kills all that the node ran.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster import mounts
from tests.cluster.paths import ClusterPaths

_TICK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 30.0
_GRACE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclasses.dataclass
class Component:
    """One component: its command, its process while it runs, and when it may start again."""

    name: str
    argv: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS
    restarts: int = 0
    exit_code: int | None = None

    def start(self, now: float) -> None:
        """Start the process, its output appended to the log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                preexec_fn=_die_with_parent,  # the supervisor has no threads, so this is safe
            )
        self.started = now

    def ended(self, exit_code: int, now: float) -> None:
        """Note the end of the process and when to start it again."""
        self.process = None
        self.exit_code = exit_code
        self.restarts += 1
        if now - self.started > _STEADY_SECONDS:
            self.pause = _FIRST_PAUSE_SECONDS
        self.not_before = now + self.pause
        self.pause = min(2 * self.pause, _LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Brings what runs to what ``units/`` says, again and again."""

    def __init__(self, paths: ClusterPaths, owner: int | None) -> None:
        """Watch ``paths.units``; end when the pipe ``owner`` closes, if one is given."""
        self._paths = paths
        self._owner = owner
        self._components: dict[str, Component] = {}
        self._stopping = False
        self._reported = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def run(self) -> None:
        """Run until a signal or the end of the owner."""
        while not self._stopping:
            self._reap()
            self._follow_units()
            self._report()
            self._wait()
        self._end(list(self._components.values()))

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _wait(self) -> None:
        watched = [] if self._owner is None else [self._owner]
        readable, _, _ = select.select(watched, [], [], _TICK_SECONDS)
        if readable:
            self._stopping = True

    def _reap(self) -> None:
        now = time.monotonic()
        by_pid = {c.process.pid: c for c in self._components.values() if c.process is not None}
        with contextlib.suppress(ChildProcessError):
            while True:
                # Also children that are not ours: as process 1 we inherit every orphan.
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if component := by_pid.get(pid):
                    component.ended(os.waitstatus_to_exitcode(status), now)

    def _follow_units(self) -> None:
        now = time.monotonic()
        wanted = {unit.stem: unit for unit in sorted(self._paths.units.glob("*.json"))}
        self._end([c for name, c in self._components.items() if name not in wanted])
        for name, unit in wanted.items():
            if name not in self._components:
                self._components[name] = Component(
                    name=name,
                    argv=json.loads(unit.read_text())["argv"],
                    log=self._paths.logs / f"{name}.log",
                )
            component = self._components[name]
            if component.process is None and now >= component.not_before:
                component.start(now)

    def _end(self, components: list[Component]) -> None:
        processes = [c.process for c in components if c.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for component in components:
            del self._components[component.name]

    def _report(self) -> None:
        report = json.dumps(
            {
                c.name: {
                    "running": c.process is not None,
                    "restarts": c.restarts,
                    "exit": c.exit_code,
                }
                for c in self._components.values()
            },
            indent=1,
        )
        if report != self._reported:
            unfinished = self._paths.root / "components.json.new"
            unfinished.write_text(report)
            unfinished.rename(self._paths.components)
            self._reported = report


def main() -> int:
    """Run the supervisor of the cluster whose folder is the argument."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--owner-fd", type=int)
    parser.add_argument(
        "--node", action="store_true", help="prepare this mount namespace for a node"
    )
    arguments = parser.parse_args()
    paths = ClusterPaths(arguments.root)
    if arguments.node:
        mounts.prepare(paths)
    Supervisor(paths, arguments.owner_fd).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
