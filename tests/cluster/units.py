"""The files through which the supervisor is told what to run."""

import json

from tests.cluster.paths import ClusterPaths


def write_unit(paths: ClusterPaths, name: str, argv: list[str]) -> None:
    """Have the supervisor run ``argv`` as the component ``name``."""
    unfinished = paths.units / f"{name}.new"
    unfinished.write_text(json.dumps({"argv": argv}, indent=1))
    unfinished.rename(paths.units / f"{name}.json")


def remove_unit(paths: ClusterPaths, name: str) -> None:
    """Have the supervisor end the component ``name``."""
    (paths.units / f"{name}.json").unlink(missing_ok=True)
