"""docs/reliability.md says what the tests recorded."""

import json
from pathlib import Path

import pytest

from tests.reliability import figures
from tests.reliability.document import DOCUMENT, document


def test_the_document_is_made_from_the_recorded_figures() -> None:
    made = document(figures.recorded())
    assert made == DOCUMENT.read_text(encoding="utf-8"), "run `make reliability`"


def test_a_figure_is_kept_when_asked_for_and_replaces_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figures.json"
    monkeypatch.setattr(figures, "FIGURES", path)
    monkeypatch.delenv("SCORING_RELIABILITY_FIGURES", raising=False)
    figures.record("S3", "in flight", "1 of 1")
    assert not path.exists()
    monkeypatch.setenv("SCORING_RELIABILITY_FIGURES", "1")
    figures.record("S3", "in flight", "1 of 1")
    figures.record("S3", "in flight", "2 of 2")
    figures.record("S1", "lost", "0")
    assert json.loads(path.read_text()) == {"S1": {"lost": "0"}, "S3": {"in flight": "2 of 2"}}
    assert "| 0 of at least 20,000 | lost: 0 |" in document(figures.recorded())


def test_a_row_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AssertionError, match="no row S99"):
        figures.record("S99", "part", "figure")
