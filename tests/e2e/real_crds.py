"""The optional kinds as the projects that they come from define them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import yaml

from scoring_operator.controller.children import CHILDREN
from scoring_operator.manifests import CHILD_KINDS
from tests.e2e.api import APPLY, PATHS, Api, Refused, eventually
from tests.e2e.crds import uninstall
from tests.node.exposure import crds
from tests.node.exposure.downloads import Module, module_files

OPTIONAL = tuple(kind.kind for kind in CHILD_KINDS if kind.optional)
PROMETHEUS_OPERATOR = Module(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
)
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def prometheus_operator() -> str:
    """The CRD of prometheus-operator's PodMonitor."""
    folder = "example/prometheus-operator-crd"
    return module_files(PROMETHEUS_OPERATOR, [f"{folder}/monitoring.coreos.com_podmonitors.yaml"])


@contextlib.contextmanager
def installed(api: Api) -> Iterator[None]:
    """Every optional kind is served while the body runs."""
    sources = (crds.gateway_api, crds.traefik, crds.cert_manager, prometheus_operator)
    texts = itertools.chain.from_iterable(yaml.safe_load_all(source()) for source in sources)
    found = {item["metadata"]["name"]: item for item in texts if item}
    names = [f"{CHILDREN[kind].plural}.{CHILDREN[kind].group}" for kind in OPTIONAL]
    for name in names:
        path = f"{_DEFINITIONS}/{name}?fieldManager=tests&force=true"
        api.request("PATCH", path, found[name], APPLY)
    try:
        eventually(lambda: all(_is_served(api, kind) for kind in OPTIONAL), "all are served")
        yield
    finally:
        for kind in OPTIONAL:  # gone, not going: others will install them again
            uninstall(api, kind)


def _is_served(api: Api, kind: str) -> bool:
    try:
        api.request("GET", PATHS[kind].format("default"))
    except Refused:
        return False
    return True
