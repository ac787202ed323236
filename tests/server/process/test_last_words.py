from pathlib import Path

import pytest

from scoring_server.process.last_words import write_termination_message


def test_reason_and_message_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setenv("SCORING_TERMINATION_LOG", str(log))
    write_termination_message("ModelLoadFailed", "no such\nmodel  here")
    assert log.read_text() == "ModelLoadFailed: no such model here"


def test_a_long_message_is_cut_to_what_kubernetes_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setenv("SCORING_TERMINATION_LOG", str(log))
    write_termination_message("ModelLoadFailed", "x" * 10_000)
    assert len(log.read_bytes()) == 4000


def test_a_place_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_TERMINATION_LOG", str(tmp_path / "missing" / "log"))
    write_termination_message("ModelLoadFailed", "x")
