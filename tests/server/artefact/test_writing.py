"""Writing an artefact: all or nothing, the same bytes each time, nothing foreign touched."""

import os
from pathlib import Path
from typing import Any

import pytest

from scoring_server.artefact import MANIFEST_NAME, ModelLoadError, open_artefact, write_artefact

FIELDS: dict[str, Any] = {
    "kind": "image-classification",
    "name": "m",
    "weights": "random",
    "created_by": {"tool": "tests"},
}


def snapshot(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_copies_bytes_and_files(tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(b"x" * 5000)
    write_artefact(tmp_path / "m", files={"a": b"1", "b.bin": source}, **FIELDS)
    opened = open_artefact(tmp_path / "m", "image-classification")
    assert opened.read_bytes("a") == b"1"
    assert opened.read_bytes("b.bin") == b"x" * 5000
    assert source.exists()


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    write_artefact(tmp_path / "1", files={"a": b"1", "b": b"2"}, **FIELDS)
    write_artefact(tmp_path / "2", files={"b": b"2", "a": b"1"}, **FIELDS)
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2")


def test_replaces_an_older_artefact_entirely(tmp_path: Path) -> None:
    write_artefact(tmp_path / "m", files={"old": b"1"}, **FIELDS)
    write_artefact(tmp_path / "m", files={"new": b"2"}, **FIELDS)
    assert set(snapshot(tmp_path / "m")) == {MANIFEST_NAME, "new"}
    assert names_in(tmp_path) == ["m"]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    write_artefact(tmp_path / "m", files={"a": b"1"}, **FIELDS)
    assert open_artefact(tmp_path / "m", "image-classification").manifest.name == "m"


def test_missing_parents_are_made(tmp_path: Path) -> None:
    write_artefact(tmp_path / "x" / "y" / "m", files={"a": b"1"}, **FIELDS)
    assert (tmp_path / "x" / "y" / "m" / MANIFEST_NAME).is_file()


def test_a_folder_that_is_no_artefact_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="left alone"):
        write_artefact(tmp_path / "home", files={"a": b"1"}, **FIELDS)
    assert snapshot(tmp_path / "home") == {"letter.txt": b"dear"}


def test_a_file_or_link_at_the_target_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError, match="is not a directory"):
            write_artefact(tmp_path / name, files={"a": b"1"}, **FIELDS)


@pytest.mark.parametrize("name", ["../a", "a/b", "m.pkl", MANIFEST_NAME, ""])
def test_names_that_no_server_takes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelLoadError):
        write_artefact(tmp_path / "m", files={name: b"1"}, **FIELDS)
    assert names_in(tmp_path) == []


def test_fields_that_no_server_takes_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    write_artefact(tmp_path / "m", files={"a": b"1"}, **FIELDS)
    before = snapshot(tmp_path / "m")
    with pytest.raises(ModelLoadError, match="kind"):
        write_artefact(tmp_path / "m", files={"a": b"2"}, **{**FIELDS, "kind": "poetry"})
    assert snapshot(tmp_path / "m") == before
    assert names_in(tmp_path) == ["m"]


def test_a_failure_half_way_leaves_the_old_artefact(tmp_path: Path) -> None:
    write_artefact(tmp_path / "m", files={"a": b"1"}, **FIELDS)
    before = snapshot(tmp_path / "m")
    with pytest.raises(FileNotFoundError):
        write_artefact(tmp_path / "m", files={"a": b"2", "b": tmp_path / "none"}, **FIELDS)
    assert snapshot(tmp_path / "m") == before
    assert names_in(tmp_path) == ["m"]


def test_other_users_can_read_it_whatever_the_umask(tmp_path: Path) -> None:
    previous = os.umask(0o077)
    try:
        write_artefact(tmp_path / "m", files={"a": b"1"}, **FIELDS)
    finally:
        os.umask(previous)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "m").iterdir()} == {0o644}


def test_details_cannot_replace_the_common_fields(tmp_path: Path) -> None:
    manifest = write_artefact(
        tmp_path / "m", files={"a": b"1"}, details={"files": {}, "kind": "x"}, **FIELDS
    )
    opened = open_artefact(tmp_path / "m", "image-classification").manifest
    assert opened.files == manifest.files
