"""The judges: Argo CD's Lua script, and the library of Flux and Helm in a small Go program."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from lupa import lua51  # type: ignore[import-untyped]  # lupa has no types of its own

from tests.cluster import build
from tests.cluster.paths import REPOSITORY

EXAMPLES = REPOSITORY / "examples" / "gitops"
HEALTH_SCRIPT = EXAMPLES / "argocd" / "health.lua"
FLUX_KUSTOMIZATION = EXAMPLES / "flux" / "kustomization.yaml"

_KSTATUS = build.Target(
    name="kstatus", module=str(Path(__file__).with_name("kstatus")), packages=(".",)
)

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Health:
    """What Argo CD shows."""

    status: str
    message: str


def argo_health(resource: Object) -> Health:
    """Run the script as Argo CD does: Lua 5.1, the object in `obj`, the health returned."""
    lua = lua51.LuaRuntime(register_eval=False, unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(resource, recursive=True)
    answer = lua.execute(HEALTH_SCRIPT.read_text(encoding="utf-8"))
    return Health(answer.status, answer.message)


def flux_expressions() -> dict[str, str]:
    """The expressions of the example's Kustomization."""
    text = FLUX_KUSTOMIZATION.read_text(encoding="utf-8")
    (checks,) = yaml.safe_load(text)["spec"]["healthCheckExprs"]
    assert (checks.pop("apiVersion"), checks.pop("kind")) == (
        "scoring.dev/v1alpha1",
        "ScoringService",
    )
    return dict(checks)


def kstatus(resources: Sequence[Object]) -> list[dict[str, str]]:
    """What kstatus alone says, and Flux with the example's expressions."""
    program = build.ensure(_KSTATUS) / "kstatus"
    lines = "".join(json.dumps(resource) + "\n" for resource in resources)
    done = subprocess.run(
        [program, json.dumps(flux_expressions())],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
