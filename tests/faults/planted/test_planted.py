"""R19: each planted bug is found by the tests that say so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.planted import (
    in_queue_and_lease,
    in_reconcile,
    in_render,
    in_summarize,
)
from tests.faults.planted.bug import Bug, plant
from tests.reliability.figures import record

BUGS = (
    *in_render.BUGS,
    *in_summarize.BUGS,
    *in_reconcile.BUGS,
    *in_queue_and_lease.BUGS,
)
SAMPLE = (in_render.BUGS[0], in_summarize.BUGS[0], in_reconcile.BUGS[5], in_queue_and_lease.BUGS[0])
ROOT = Path(__file__).parents[3]
SECONDS = 900


def is_found(bug: Bug, folder: Path) -> bool:
    """Whether the tests fail with the bug; an end for another reason than a failed test is none."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", bug.found_by]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(plant(bug, folder)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-3000:]
    return done.returncode == 1


def test_bugs_are_planted_in_the_code_that_runs(tmp_path: Path) -> None:
    bug = BUGS[0]
    code = "import scoring_operator.cli as cli; print(cli.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(plant(bug, tmp_path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


@pytest.mark.parametrize("bug", SAMPLE, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    assert is_found(bug, tmp_path)


def test_every_planted_bug_is_found(tmp_path: Path, long: bool) -> None:
    if not long:
        pytest.skip("the whole list runs with --long")
    survivors = [
        bug.name for number, bug in enumerate(BUGS) if not is_found(bug, tmp_path / str(number))
    ]
    assert not survivors, "\n".join(survivors)
    record("R19", "planted bugs that the unit tests find", f"{len(BUGS)} of {len(BUGS)}")
