"""A cluster that the product is installed on: kubectl and helm against one context."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tests.cluster import build
from tests.cluster.cli import environment
from tests.cluster.errors import ClusterError
from tests.cluster.paths import REPOSITORY, cluster_paths
from tests.cluster.state import ClusterState


@dataclass(frozen=True)
class Target:
    """One context, and the environment in which kubectl and helm reach it."""

    context: str
    environment: Mapping[str, str]
    embedded: bool = False

    @classmethod
    def of_embedded(cls, name: str) -> "Target":
        """The embedded cluster of that name, which runs."""
        paths = cluster_paths(name)
        state = ClusterState.load(paths)
        if state is None:
            raise ClusterError(f"the cluster {name} is gone")
        tools = [build.ensure(build.KUBERNETES), build.ensure(build.HELM)]
        variables = {**os.environ, **environment(paths, state, tools)}
        return cls(state.context, variables, embedded=True)

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run kubectl or helm on this cluster and return what it prints.

        Raises:
            ClusterError: with the command's own message.
        """
        done = subprocess.run(
            self.command(*command),
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=REPOSITORY,
        )
        if done.returncode:
            raise ClusterError(f"{' '.join(command[:3])} …: {done.stderr.strip()}")
        return done.stdout

    def command(self, *command: str) -> list[str]:
        """The full command line, with the program's path and the context."""
        program = shutil.which(command[0], path=self.environment["PATH"])
        if program is None:
            raise ClusterError(f"{command[0]} is not installed")
        option = "--kube-context" if command[0] == "helm" else "--context"
        return [program, option, self.context, *command[1:]]
