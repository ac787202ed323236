"""An artefact opens when it is exactly what its manifest says, and is refused otherwise."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoring_server.artefact import MANIFEST_NAME, ModelLoadError, open_artefact
from tests.server.artefact.conftest import EditManifest

KIND = "faq-matching"


def refusal(directory: Path, kind: str = KIND) -> str:
    with pytest.raises(ModelLoadError) as caught:
        open_artefact(directory, kind)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_opens_what_was_written(artefact: Path) -> None:
    opened = open_artefact(artefact, KIND)
    assert opened.manifest.name == "demo"
    assert opened.manifest.weights == "trained"
    assert opened.manifest.details == {"originals": 3}
    assert opened.read_bytes("b.json") == b"{}"
    assert opened.path("a.bin") == artefact / "a.bin"


def test_the_digest_follows_every_file(artefact: Path, edit_manifest: EditManifest) -> None:
    before = open_artefact(artefact, KIND).digest
    assert before == open_artefact(artefact, KIND).digest
    assert before.startswith("sha256:")
    edit_manifest(lambda document: document.update(name="other"))
    assert open_artefact(artefact, KIND).digest != before


def test_hands_out_listed_files_only(artefact: Path) -> None:
    opened = open_artefact(artefact, KIND)
    with pytest.raises(ModelLoadError, match="has no file"):
        opened.path("../../etc/passwd")
    with pytest.raises(ModelLoadError, match="has no file"):
        opened.read_bytes(MANIFEST_NAME)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "none")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("x")
    assert "is not a directory" in refusal(tmp_path / "model")


def test_a_directory_without_manifest_is_refused(tmp_path: Path) -> None:
    assert "holds no model.json" in refusal(tmp_path)


def test_the_wrong_kind_is_refused_with_both_names(artefact: Path) -> None:
    message = refusal(artefact, "image-classification")
    assert "faq-matching" in message
    assert "image-classification" in message


def test_a_missing_file_is_refused(artefact: Path) -> None:
    (artefact / "a.bin").unlink()
    assert "a.bin is missing" in refusal(artefact)


def test_a_truncated_file_is_refused(artefact: Path) -> None:
    os.truncate(artefact / "a.bin", 999)
    assert "has 999 bytes where model.json says 1000" in refusal(artefact)


def test_a_flipped_byte_is_refused(artefact: Path) -> None:
    data = bytearray((artefact / "a.bin").read_bytes())
    data[500] ^= 1
    (artefact / "a.bin").write_bytes(data)
    assert "damaged or was replaced" in refusal(artefact)


@pytest.mark.parametrize("name", ["extra.bin", "model.pkl", ".hidden"])
def test_an_unlisted_file_is_refused(artefact: Path, name: str) -> None:
    (artefact / name).write_bytes(b"x")
    assert f"{name!r}, which model.json does not list" in refusal(artefact)


def test_an_unlisted_folder_is_refused(artefact: Path) -> None:
    (artefact / "sub").mkdir()
    assert "'sub', which model.json does not list" in refusal(artefact)


def test_the_lost_and_found_of_a_fresh_volume_is_tolerated(artefact: Path) -> None:
    (artefact / "lost+found").mkdir()
    assert open_artefact(artefact, KIND).manifest.name == "demo"


@pytest.mark.parametrize("name", ["a.bin", MANIFEST_NAME])
def test_a_link_is_refused_even_to_the_right_content(artefact: Path, name: str) -> None:
    elsewhere = artefact.parent / "elsewhere"
    shutil.move(artefact / name, elsewhere)
    (artefact / name).symlink_to(elsewhere)
    assert "is a link" in refusal(artefact)


@pytest.mark.parametrize("name", ["a.bin", MANIFEST_NAME])
def test_a_pipe_is_refused_without_waiting_for_a_writer(artefact: Path, name: str) -> None:
    (artefact / name).unlink()
    os.mkfifo(artefact / name)
    assert "is not a regular file" in refusal(artefact)


def test_a_socket_is_refused(artefact: Path) -> None:
    (artefact / "a.bin").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(artefact / "a.bin"))
        assert "cannot be read" in refusal(artefact)


def test_a_folder_in_place_of_a_file_is_refused(artefact: Path) -> None:
    (artefact / "a.bin").unlink()
    (artefact / "a.bin").mkdir()
    assert "is not a regular file" in refusal(artefact)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_names_the_user(artefact: Path) -> None:
    (artefact / "a.bin").chmod(0)
    assert f"cannot be read by user {os.geteuid()}" in refusal(artefact)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b"{}"],
    ids=["empty", "cut", "array", "null", "string", "bytes", "deep", "no-keys"],
)
def test_a_manifest_that_is_none_is_refused(artefact: Path, data: bytes) -> None:
    (artefact / MANIFEST_NAME).write_bytes(data)
    assert MANIFEST_NAME in refusal(artefact)


def test_an_endless_manifest_is_refused_unread(artefact: Path) -> None:
    with (artefact / MANIFEST_NAME).open("r+b") as stream:
        stream.truncate(10**12)  # a sparse file: takes no room on the disk
    assert "is larger than" in refusal(artefact)


def test_a_newer_schema_asks_for_a_newer_server(
    artefact: Path, edit_manifest: EditManifest
) -> None:
    edit_manifest(lambda document: document.update(schemaVersion=2))
    assert "use a newer scoring image" in refusal(artefact)


Change = Callable[[dict[str, Any]], object]
BAD_MANIFESTS: dict[str, tuple[Change, str]] = {
    "schema-text": (lambda d: d.update(schemaVersion="1"), "schemaVersion must be the number 1"),
    "schema-true": (lambda d: d.update(schemaVersion=True), "schemaVersion must be the number 1"),
    "schema-old": (lambda d: d.update(schemaVersion=0), "make the artefact again"),
    "kind-unknown": (lambda d: d.update(kind="text-to-speech"), "does not know"),
    "name-missing": (lambda d: d.pop("name"), "name must be"),
    "name-with-newline": (lambda d: d.update(name="a\nb"), "name must be"),
    "name-long": (lambda d: d.update(name="x" * 129), "name must be"),
    "weights-number": (lambda d: d.update(weights=1), "weights must be"),
    "created-by-text": (lambda d: d.update(createdBy="me"), "createdBy must be"),
    "files-missing": (lambda d: d.pop("files"), "files must list"),
    "files-empty": (lambda d: d.update(files={}), "files must list"),
    "files-many": (lambda d: d.update(files={f"f{i}": {} for i in range(65)}), "files must list"),
    "entry-text": (lambda d: d["files"].update({"a.bin": "x"}), "must be an object"),
    "hash-short": (lambda d: d["files"]["a.bin"].update(sha256="00"), "64 small hex digits"),
    "hash-none": (lambda d: d["files"]["a.bin"].pop("sha256"), "64 small hex digits"),
    "size-negative": (lambda d: d["files"]["a.bin"].update(size=-1), "number of bytes"),
    "size-true": (lambda d: d["files"]["a.bin"].update(size=True), "number of bytes"),
    "size-text": (lambda d: d["files"]["a.bin"].update(size="1000"), "number of bytes"),
}


@pytest.mark.parametrize("case", BAD_MANIFESTS)
def test_a_bad_field_is_named(artefact: Path, edit_manifest: EditManifest, case: str) -> None:
    change, expected = BAD_MANIFESTS[case]
    edit_manifest(change)
    assert expected in refusal(artefact)


@pytest.mark.parametrize(
    "name",
    [
        "../a.bin",
        "..",
        ".",
        "/etc/passwd",
        "sub/a.bin",
        "a\\b",
        "",
        ".a",
        "a\0b",
        "a\nb",
        "ä",
        "x" * 129,
    ],
)
def test_a_name_that_is_not_plain_is_refused(
    artefact: Path, edit_manifest: EditManifest, name: str
) -> None:
    edit_manifest(lambda d: d["files"].update({name: d["files"]["a.bin"]}))
    assert "only plain names" in refusal(artefact)


@pytest.mark.parametrize(
    "name", ["m.pkl", "m.pickle", "m.joblib", "m.pt", "m.pth", "m.CKPT", "m.PKL"]
)
def test_a_pickle_is_refused_by_name_before_it_is_opened(
    artefact: Path, edit_manifest: EditManifest, name: str
) -> None:
    (artefact / "a.bin").rename(artefact / name)
    edit_manifest(lambda d: d["files"].update({name: d["files"].pop("a.bin")}))
    assert "is a pickle format" in refusal(artefact)


def test_a_manifest_that_lists_itself_is_refused(
    artefact: Path, edit_manifest: EditManifest
) -> None:
    edit_manifest(lambda d: d["files"].update({MANIFEST_NAME: d["files"]["a.bin"]}))
    assert "must not list itself" in refusal(artefact)
