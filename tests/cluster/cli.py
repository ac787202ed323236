"""The command line, ``python -m tests.cluster``; ``--help`` lists its commands."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import build, console, containerd, images, lifecycle, status
from tests.cluster.errors import ClusterError
from tests.cluster.paths import ClusterPaths, cluster_paths
from tests.cluster.state import ClusterState, Request

DEFAULT_NAME = "dev"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster",
        description="A real Kubernetes on one Linux machine, for tests and the demo.",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=summary)
        added.add_argument(
            "--name", default=DEFAULT_NAME, help="the cluster (default: %(default)s)"
        )
        return added

    up = command("up", "start a cluster, building Kubernetes first where that was not done yet")
    up.add_argument("--nodes", choices=["none", "fake", "real"], default="none")
    up.add_argument("--fake-nodes", type=int, default=0, metavar="N")
    up.add_argument("--gpus-per-node", type=int, default=0, metavar="K", help="fake nvidia.com/gpu")
    command("down", "take a cluster down and remove all that it left")
    command("status", "show components and nodes; exit status 1 where something is not healthy")
    command("kubeconfig", "print the path of the administrator's kubeconfig")
    load = command("load-image", "bring an image archive (OCI or Docker) onto the real node")
    load.add_argument("file", type=Path)
    load.add_argument("--as", dest="reference", metavar="REF", help="the image's name on the node")
    command("env", "print shell commands that point kubectl and helm at the cluster")

    image = commands.add_parser("build-image", help="build a Dockerfile into an image archive")
    image.add_argument("--file", type=Path, required=True, metavar="DOCKERFILE")
    image.add_argument("--context", type=Path, required=True, metavar="DIR")
    image.add_argument("--target", help="the stage to build (default: the last)")
    image.add_argument("--tag", required=True, help="the image's name")
    image.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    image.add_argument("--out", type=Path, metavar="FILE", help="put the archive there too")
    fetch = commands.add_parser("build", help="build the commands ahead of time")
    fetch.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(build.TARGETS))
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except ClusterError as error:
        console.say(f"error: {error}")
        return 1
    except PermissionError as error:
        console.say(f"error: {error}; a cluster that root started is root's")
        return 1
    except KeyboardInterrupt:
        console.say("interrupted")
        return 130


def _up(options: argparse.Namespace) -> int:
    request = Request(options.name, options.nodes, options.fake_nodes, options.gpus_per_node)
    lifecycle.up(request)
    console.say(f'  use it:  eval "$(python -m tests.cluster env --name {options.name})"')
    return 0


def _down(options: argparse.Namespace) -> int:
    if not lifecycle.down(options.name):
        console.say(f"there is no cluster {options.name}")
    return 0


def _running(name: str) -> tuple[ClusterPaths, ClusterState]:
    paths = cluster_paths(name)
    state = ClusterState.load(paths)
    if state is None or not state.ready:
        raise ClusterError(
            f"there is no cluster {name}; start one: python -m tests.cluster up --name {name}"
        )
    return paths, state


def _status(options: argparse.Namespace) -> int:
    paths, state = _running(options.name)
    seen = status.observe(paths, state)
    print(f"cluster {options.name}: Kubernetes {state.version}, {state.server}")
    for name, component in sorted(seen.components.items()):
        condition = "running" if component["running"] else f"ended ({component['exit']})"
        restarts = f", restarted {component['restarts']} times" if component["restarts"] else ""
        print(f"  {name:<26} {condition}{restarts}")
    if not seen.components:
        print("  its supervisor does not run")
    print(f"  API server: {'ready' if seen.api_ready else 'NOT READY'}")
    for node in seen.nodes:
        kind = "simulated" if node.simulated else "real"
        ready = "Ready" if node.ready else "NOT READY"
        print(f"  node {node.name:<21} {ready}, {kind}, {node.version}, {node.gpus} GPUs")
    print(f"  logs: {paths.logs}")
    return 0 if seen.healthy else 1


def _kubeconfig(options: argparse.Namespace) -> int:
    paths, _ = _running(options.name)
    print(paths.kubeconfig)
    return 0


def _env(options: argparse.Namespace) -> int:
    paths, state = _running(options.name)
    tools = [build.ensure(build.KUBERNETES), build.ensure(build.HELM)]
    for name, value in environment(paths, state, tools).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def environment(paths: ClusterPaths, state: ClusterState, tools: Sequence[Path]) -> dict[str, str]:
    """Return the variables with which kubectl, helm and our tests use the cluster."""
    variables = {
        "KUBECONFIG": str(paths.kubeconfig),
        "SCORING_CLUSTER_NAME": state.request.name,
        "SCORING_CLUSTER_CONTEXT": state.context,
        "SCORING_AUDIT_LOG": str(paths.audit_log),
        "PATH": build.search_path(*tools),
    }
    if state.network is not None:
        variables["SCORING_HOST_ADDRESS"] = state.network.host_address
        # Programs that honour a proxy setting must not send the cluster's addresses to it.
        direct = [*filter(None, [os.environ.get("NO_PROXY", "")]), state.network.block]
        variables["NO_PROXY"] = variables["no_proxy"] = ",".join(direct)
    return variables


def _load_image(options: argparse.Namespace) -> int:
    paths, state = _running(options.name)
    if state.request.nodes != "real":
        raise ClusterError(f"the cluster {options.name} has no real node that could hold an image")
    with console.step(f"loading {options.file}"):
        loaded = containerd.load_image(paths, options.file, options.reference)
    print("\n".join(loaded))
    return 0


def _build_image(options: argparse.Namespace) -> int:
    arguments = {}
    for argument in options.build_arg:
        name, separator, value = argument.partition("=")
        if not separator or not name:
            raise ClusterError(f"--build-arg takes NAME=VALUE, not {argument!r}")
        arguments[name] = value
    request = images.ImageBuild(
        dockerfile=options.file,
        context=options.context,
        tag=options.tag,
        target=options.target,
        arguments=arguments,
    )
    print(images.build(request, options.out))
    return 0


def _build(options: argparse.Namespace) -> int:
    for name in options.targets or build.TARGETS:
        if name not in build.TARGETS:
            raise ClusterError(f"no target {name}; there are {', '.join(build.TARGETS)}")
        print(build.ensure(build.TARGETS[name]))
    return 0


_COMMANDS = {
    "up": _up,
    "down": _down,
    "status": _status,
    "kubeconfig": _kubeconfig,
    "env": _env,
    "load-image": _load_image,
    "build-image": _build_image,
    "build": _build,
}

if __name__ == "__main__":
    sys.exit(main())
