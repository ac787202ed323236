import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from scoring_server.artefact import open_artefact
from scoring_server.fetch import FetchError
from scoring_server.fetch.cli import fetch, main
from tests.server.colour_model import write_colour_model
from tests.server.fetch.conftest import Site
from tests.server.fetch.test_unpack import file, tar


def packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_model_is_brought_and_can_be_opened(site: Site, tmp_path: Path) -> None:
    archive = packed(write_colour_model(tmp_path / "model"))
    url = site.serve("/model.tar.gz", archive)
    main(["--url", url, "--sha256", sha256(archive).upper(), "--to", str(tmp_path / "models")])
    artefact = open_artefact(tmp_path / "models", "image-classification")
    assert artefact.manifest.name == "mean-colour"


def test_a_second_model_replaces_the_first_and_what_was_left_half_done(
    site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "models"
    first = tar(file("model.json", b"1"), file("old"))
    second = tar(file("model.json", b"2"), file("new"))
    fetch(site.serve("/1", first), sha256(first), target)
    (target / ".fetching-killed").mkdir()
    fetch(site.serve("/2", second), sha256(second), target)
    assert sorted(path.name for path in target.iterdir()) == ["model.json", "new"]


def test_a_wrong_hash_leaves_what_was_there(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "models"
    good = tar(file("model.json", b"1"))
    fetch(site.serve("/1", good), sha256(good), target)
    other = site.serve("/2", tar(file("model.json", b"2")))
    with pytest.raises(FetchError, match=r"but 0000.* was asked for"):
        fetch(other, "0" * 64, target)
    assert (target / "model.json").read_bytes() == b"1"
    assert [path.name for path in target.iterdir()] == ["model.json"]


def test_a_failure_ends_with_78_and_last_words(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SCORING_TERMINATION_LOG", str(tmp_path / "log"))
    with pytest.raises(SystemExit) as ended:
        main(["--url", f"{site.url}/x", "--sha256", "0" * 64, "--to", str(tmp_path / "models")])
    assert ended.value.code == 78
    wanted = f"ModelLoadFailed: {site.url}/x: the server answered 404 Not Found"
    assert (tmp_path / "log").read_text() == wanted
    assert "the server answered 404" in capsys.readouterr().out


def test_a_hash_that_is_none_is_refused_before_anything_is_asked(
    site: Site, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match="must be 64 hex digits"):
        fetch(f"{site.url}/x", "abc", tmp_path / "models")
    assert site.asked == []


def test_a_target_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match="file cannot be written"):
        fetch(f"{site.url}/x", "0" * 64, tmp_path / "file")
