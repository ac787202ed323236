"""What a planted bug is, and how it gets into a copy of the operator."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "operator" / "scoring_operator"
UNIT = "tests/controller"


@dataclass(frozen=True)
class Bug:
    """A few characters of a module that are replaced by others."""

    name: str
    module: str
    """Path of the module within the package."""
    old: str
    """Where it occurs exactly once."""
    new: str
    found_by: str
    """The tests that must fail."""


def plant(bug: Bug, folder: Path) -> Path:
    """A folder for PYTHONPATH with a copy of the operator that has the bug."""
    shutil.copytree(
        PACKAGE, folder / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    module = folder / PACKAGE.name / bug.module
    source = module.read_text(encoding="utf-8")
    assert source.count(bug.old) == 1, f"{bug.name}: {bug.module} has changed"
    module.write_text(source.replace(bug.old, bug.new), encoding="utf-8")
    return folder
