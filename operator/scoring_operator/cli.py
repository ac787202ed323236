"""The command line: `scoring-operator run | crd | reference | render`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from scoring_operator.api.crd import to_yaml
from scoring_operator.api.model import PullPolicy
from scoring_operator.api.reference import to_markdown
from scoring_operator.manifests import Platform
from scoring_operator.manifests.platform import PrivateModelUrls
from scoring_operator.wiring.offline import render_documents
from scoring_operator.wiring.settings import DEFAULT_PORT, DEFAULT_WORKERS, LEASE_NAME, Settings
from scoring_operator.wiring.syntax import label, toleration

PREFIX = "SCORING_OPERATOR_"
LOG_LEVELS = ("debug", "info", "warning", "error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    options = _parser(os.environ).parse_args(arguments)
    try:
        return int(options.command(options))
    except BrokenPipeError:  # `| head`
        return 0
    except argparse.ArgumentTypeError as error:  # from a variable; argparse tells of options itself
        print(f"scoring-operator: {error}", file=sys.stderr)
        return 2


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scoring-operator",
        description="A Kubernetes operator that serves models for real-time scoring.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="serve ScoringServices until SIGTERM"), environment)
    crd = commands.add_parser("crd", help="print the CustomResourceDefinition as YAML")
    crd.set_defaults(command=_crd)
    reference = commands.add_parser("reference", help="print the resource's reference as Markdown")
    reference.set_defaults(command=_reference)
    render = commands.add_parser(
        "render", help="print the manifests that ScoringServices lead to, without a cluster"
    )
    render.add_argument(
        "-f", "--file", required=True, metavar="FILE", help="YAML documents; - is the input"
    )
    _add_platform(render, environment)
    render.set_defaults(command=_render)
    return parser


def _add_run(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    env = _Environment(environment)
    parser.epilog = f"Each option has an environment variable: --log-level is {PREFIX}LOG_LEVEL."
    parser.add_argument(
        "--namespace",
        action="append",
        metavar="NS",
        help="serve this namespace; may be repeated (variable: separated by commas)",
    )
    parser.add_argument(
        "--all-namespaces",
        action="store_true",
        default=env.flag("ALL_NAMESPACES"),
        help="serve the whole cluster",
    )
    _add_platform(parser, environment)
    parser.add_argument(
        "--workers",
        type=_positive,
        default=env.text("WORKERS", str(DEFAULT_WORKERS)),
        metavar="N",
        help="how many resources are worked on at a time (%(default)s)",
    )
    parser.add_argument(
        "--no-leader-election",
        action="store_true",
        default=env.flag("NO_LEADER_ELECTION"),
        help="work without a Lease: only where no second process can run",
    )
    parser.add_argument("--lease-name", default=env.text("LEASE_NAME", LEASE_NAME), metavar="NAME")
    parser.add_argument(
        "--lease-namespace",
        default=env.text("LEASE_NAMESPACE"),
        metavar="NS",
        help="where the Lease is (default: the namespace of the credentials)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=env.text("PORT", str(DEFAULT_PORT)),
        help="of /healthz, /readyz and /metrics (%(default)s)",
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default=env.text("LOG_LEVEL", "info"))
    parser.add_argument(
        "--kubeconfig",
        default=env.text("KUBECONFIG"),
        metavar="FILE",
        help="default: the pod's ServiceAccount, else $KUBECONFIG, else ~/.kube/config",
    )
    parser.add_argument(
        "--context",
        default=env.text("CONTEXT"),
        metavar="NAME",
        help="of the kubeconfig (default: its current one)",
    )
    parser.set_defaults(command=_run, parser=parser)


def _add_platform(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    env = _Environment(environment)
    standard = Platform()
    parser.add_argument(
        "--default-cpu-image",
        default=env.text("DEFAULT_CPU_IMAGE", standard.cpu_image),
        metavar="IMAGE",
        help="scoring image of resources on CPUs that name none (%(default)s)",
    )
    parser.add_argument(
        "--default-gpu-image",
        default=env.text("DEFAULT_GPU_IMAGE", standard.gpu_image),
        metavar="IMAGE",
        help="scoring image of resources on GPUs that name none (%(default)s)",
    )
    parser.add_argument(
        "--image-pull-policy",
        choices=get_args(PullPolicy),
        default=env.text("IMAGE_PULL_POLICY", standard.image_pull_policy),
    )
    parser.add_argument(
        "--image-pull-secret",
        action="append",
        metavar="NAME",
        help="a Secret that every resource's namespace has; may be repeated",
    )
    parser.add_argument(
        "--private-model-urls",
        choices=get_args(PrivateModelUrls),
        default=env.text("PRIVATE_MODEL_URLS", standard.private_model_urls),
        help="whether models are fetched from private networks: where a resource's URL leads "
        "there, but not where a public server redirects there (named), never, or always "
        "(%(default)s)",
    )
    parser.add_argument(
        "--ingress-class",
        default=env.text("INGRESS_CLASS"),
        metavar="NAME",
        help="IngressClass of exposures that name none (default: the cluster's)",
    )
    parser.add_argument(
        "--no-wait-for-ingress-address",
        action="store_true",
        default=env.flag("NO_WAIT_FOR_INGRESS_ADDRESS"),
        help="where ingress controllers publish no address: an Ingress is ready without one",
    )
    parser.add_argument(
        "--pod-monitor-label",
        action="append",
        type=label,
        metavar="KEY=VALUE",
        help="a label of every PodMonitor, by which Prometheus selects them; may be repeated",
    )
    parser.add_argument(
        "--gpu-node-selector",
        action="append",
        type=label,
        metavar="KEY=VALUE",
        help="a node label that pods with GPUs ask for; may be repeated",
    )
    parser.add_argument(
        "--gpu-toleration",
        action="append",
        type=toleration,
        metavar="KEY[=VALUE][:EFFECT]",
        help="a taint that pods with GPUs tolerate, besides their resource's; may be repeated",
    )


class _Environment:
    """Defaults of options from environment variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str | None:
        """The variable's value; empty counts as unset."""
        return self._environment.get(PREFIX + name) or default

    def flag(self, name: str) -> bool:
        """Whether the variable says yes."""
        return (self.text(name) or "").lower() in ("1", "true", "yes")

    def items(self, name: str) -> list[str]:
        """The variable's comma-separated items."""
        return [item.strip() for item in (self.text(name) or "").split(",") if item.strip()]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("must be a port number")
    return number


def _settings(options: argparse.Namespace) -> Settings:
    namespaces = options.namespace or _Environment(os.environ).items("NAMESPACE")
    if bool(namespaces) == options.all_namespaces:
        options.parser.error("say which to serve: either --namespace NS … or --all-namespaces")
    return Settings(
        namespaces=tuple(dict.fromkeys(namespaces)),
        platform=_platform(options),
        workers=options.workers,
        leader_election=not options.no_leader_election,
        lease_name=options.lease_name,
        lease_namespace=options.lease_namespace,
        port=options.port,
        log_level=options.log_level,
        kubeconfig=options.kubeconfig,
        context=options.context,
    )


def _platform(options: argparse.Namespace) -> Platform:
    env = _Environment(os.environ)
    secrets = options.image_pull_secret or env.items("IMAGE_PULL_SECRET")
    monitor_labels = options.pod_monitor_label or map(label, env.items("POD_MONITOR_LABEL"))
    gpu_nodes = options.gpu_node_selector or map(label, env.items("GPU_NODE_SELECTOR"))
    gpu_taints = options.gpu_toleration or map(toleration, env.items("GPU_TOLERATION"))
    return Platform(
        cpu_image=options.default_cpu_image,
        gpu_image=options.default_gpu_image,
        image_pull_policy=options.image_pull_policy,
        image_pull_secrets=tuple(dict.fromkeys(secrets)),
        private_model_urls=options.private_model_urls,
        ingress_class=options.ingress_class,
        wait_for_ingress_address=not options.no_wait_for_ingress_address,
        pod_monitor_labels=dict(monitor_labels),
        gpu_node_selector=dict(gpu_nodes),
        gpu_tolerations=tuple(gpu_taints),
    )


def _run(options: argparse.Namespace) -> int:
    # Only here: kopf takes half a second to import, which the other commands need not wait for.
    from scoring_operator.wiring import logs, process

    settings = _settings(options)
    logs.set_up(settings.log_level)
    return process.main(settings)


def _crd(_: argparse.Namespace) -> int:
    sys.stdout.write(to_yaml())
    return 0


def _reference(_: argparse.Namespace) -> int:
    sys.stdout.write(to_markdown())
    return 0


def _render(options: argparse.Namespace) -> int:
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        print(f"scoring-operator: {options.file}: {error}", file=sys.stderr)
        return 1
    output, faults = render_documents(text, _platform(options))
    if faults:
        name = "standard input" if options.file == "-" else options.file
        for fault in faults:
            print(f"scoring-operator: {name}: {fault}", file=sys.stderr)
        return 1
    sys.stdout.write(output)
    return 0
