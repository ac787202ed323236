"""Where the demo runs: the embedded cluster with images built here, or a cluster of the user's."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.cluster import build, lifecycle
from tests.cluster.cli import environment
from tests.cluster.cli import main as cluster_command_line
from tests.cluster.console import say, step
from tests.cluster.errors import ClusterError
from tests.cluster.paths import REPOSITORY, cache_root, cluster_paths
from tests.cluster.state import ClusterState, Request

CLUSTER = "demo"
OPERATOR_NAMESPACE = "scoring-system"
RELEASE = "scoring-operator"
OPERATOR_IMAGE = "localhost/scoring-operator:dev"
SCORING_IMAGE = "localhost/scoring-image:dev-cpu"
# ResNet-152 where its ImageNet weights can be downloaded; else EfficientNet-Lite0, which says so.
_SCORING_BUILD_ARGUMENTS = ("IMAGE_MODEL=resnet152", "IMAGE_MODEL_FALLBACK=efficientnet-lite0")


@dataclass(frozen=True)
class Target:
    """A cluster to run the demo on, and the images to use there."""

    environment: Mapping[str, str]
    context: str
    operator_image: str
    scoring_image: str
    namespace: str = "default"
    embedded: bool = False

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


def prepare(context: str | None) -> Target:
    """The cluster, running, with both images at hand."""
    return _embedded() if context is None else _users(context)


def remove(context: str | None) -> None:
    """Remove what the demo made: the whole embedded cluster, or its objects on the user's."""
    if context is None:
        if not lifecycle.down(CLUSTER):
            say("there is no demo to clean up")
        return
    target = Target(os.environ, context, "", "")
    for example in ("faq", "image-cpu"):
        target.run(
            "kubectl", "delete", "scoringservice", example, "--ignore-not-found", "--wait=true"
        )
    target.run("helm", "uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE, "--wait")
    target.run("kubectl", "delete", "namespace", OPERATOR_NAMESPACE)
    say("the CRD is kept; remove it with: kubectl delete crd scoringservices.scoring.dev")


def _users(context: str) -> Target:
    try:
        operator_image, scoring_image = os.environ["OPERATOR_IMAGE"], os.environ["SCORING_IMAGE"]
    except KeyError as missing:
        raise ClusterError(
            f"{missing.args[0]} is not set: build operator/Dockerfile and scoring_image/Dockerfile,"
            " push both where your cluster pulls from, and name them in OPERATOR_IMAGE and"
            " SCORING_IMAGE"
        ) from None
    target = Target(os.environ, context, operator_image, scoring_image)
    target.run("kubectl", "version")
    return target


def _embedded() -> Target:
    lifecycle.up(Request(CLUSTER, "real", 0, 0))
    images = {
        OPERATOR_IMAGE: ("operator", None, ()),
        SCORING_IMAGE: ("scoring_image", "cpu", _SCORING_BUILD_ARGUMENTS),
    }
    for tag, (folder, stage, arguments) in images.items():
        archive = cache_root() / "demo" / f"{folder}.tar"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with step(f"building the image {tag}"):
            _build(tag, folder, stage, arguments, str(archive))
        with step(f"loading the image {tag}"):
            _cluster_command("load-image", "--name", CLUSTER, str(archive))
    paths = cluster_paths(CLUSTER)
    state = ClusterState.load(paths)
    if state is None:
        raise ClusterError("the demo's cluster is gone")
    tools = [build.ensure(build.KUBERNETES), build.ensure(build.HELM)]
    variables = {**os.environ, **environment(paths, state, tools)}
    return Target(variables, state.context, OPERATOR_IMAGE, SCORING_IMAGE, embedded=True)


def _build(
    tag: str, folder: str, stage: str | None, arguments: Sequence[str], archive: str
) -> None:
    _cluster_command(
        "build-image",
        *("--file", f"{folder}/Dockerfile", "--context", folder),
        *(("--target", stage) if stage else ()),
        *("--tag", tag, "--out", archive),
        *(part for argument in arguments for part in ("--build-arg", argument)),
    )


def _cluster_command(*arguments: str) -> None:
    if cluster_command_line(arguments) != 0:
        raise ClusterError("the demo cannot go on without that")
