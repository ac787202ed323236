"""Figures that tests measured: docs/reliability.json, from which docs/reliability.md is made.

A test says `record("S3", "requests in flight", "40 of 40 answered")`. Nothing is written unless
pytest is called with `--figures`, so that a run of the tests leaves the checkout as it is.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Final

from tests.reliability.rows import NAMES

FIGURES: Final = Path(__file__).parents[2] / "docs" / "reliability.json"
# Set by --figures; the processes of pytest-xdist inherit it.
_SWITCH: Final = "SCORING_RELIABILITY_FIGURES"


def switch_on() -> None:
    """From now on `record` writes, in this process and in those it starts."""
    os.environ[_SWITCH] = "1"


def record(row: str, part: str, figure: str) -> None:
    """Keep what was measured for a part of a row; a later run replaces it.

    Args:
        row: its name, as in `rows`.
        part: which part of the row was measured, in a few words: it is the figure's key.
        figure: what was measured, with its unit and the number of trials.
    """
    assert row in NAMES, f"no row {row}"
    if _SWITCH not in os.environ:
        return
    with FIGURES.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        figures: dict[str, dict[str, str]] = json.loads(text) if text else {}
        figures.setdefault(row, {})[part] = figure
        file.truncate(0)
        json.dump(figures, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")


def recorded() -> dict[str, dict[str, str]]:
    """All figures: row -> part -> figure."""
    if not FIGURES.exists():
        return {}
    figures: dict[str, dict[str, str]] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return figures
