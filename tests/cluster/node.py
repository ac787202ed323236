"""The real node."""

from collections.abc import Callable
from pathlib import Path
from tests.cluster.api import ApiClient
from tests.cluster.paths import ClusterPaths
from tests.cluster.state import ClusterState


def check_machine() -> None: ...
def build_tools() -> Path:
    raise NotImplementedError


def start(
    paths: ClusterPaths,
    state: ClusterState,
    api: ApiClient,
    binaries: Path,
    tools: Path,
    check: Callable[[], None],
) -> None: ...
def why_not_here() -> str | None:
    return None
