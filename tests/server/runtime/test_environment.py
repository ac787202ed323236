import os
import resource
from pathlib import Path

import pytest

from scoring_server.runtime import environment


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environment, "_SHARED_MEMORY", tmp_path)
    return tmp_path


def test_scratch_of_a_killed_server_is_removed(base: Path) -> None:
    scratch = environment.fresh_scratch(8080)
    (scratch / "metrics").mkdir()
    (scratch / "metrics" / "counter_1.db").write_bytes(b"old")
    assert environment.fresh_scratch(8080) == scratch
    assert list(scratch.iterdir()) == []
    assert scratch.stat().st_mode & 0o777 == 0o700


def test_a_link_in_its_place_is_not_followed(base: Path) -> None:
    victim = base / "victim"
    victim.mkdir()
    (victim / "file").touch()
    (base / "scoring-server-8080").symlink_to(victim)
    with pytest.raises(FileExistsError):
        environment.fresh_scratch(8080)
    assert (victim / "file").exists()


def test_without_shared_memory_the_temporary_folder_is_used(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_SHARED_MEMORY", base / "missing")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(base))
    assert environment.fresh_scratch(1234) == base / "scoring-server-1234"


def test_the_maths_libraries_are_bounded(tmp_path: Path) -> None:
    variables = dict(os.environ)
    environment.prepare(variables, maths_threads=3, scratch=tmp_path)
    assert variables["OMP_NUM_THREADS"] == "3"
    assert variables["OPENBLAS_NUM_THREADS"] == "3"
    assert Path(variables["PROMETHEUS_MULTIPROC_DIR"]).is_dir()


@pytest.mark.parametrize(
    ("limits", "wanted", "then"),
    [
        ((256, 1000), 500, (500, 1000)),
        ((500, 1000), 256, (500, 1000)),
        ((256, 1000), 8000, (1000, 1000)),
        ((256, resource.RLIM_INFINITY), 8000, (8000, resource.RLIM_INFINITY)),
        ((resource.RLIM_INFINITY,) * 2, 8000, (resource.RLIM_INFINITY,) * 2),
    ],
)
def test_descriptors_are_allowed_as_far_as_they_may_be(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    wanted: int,
    then: tuple[int, int],
) -> None:
    found = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: found.append(new))
    environment.allow_descriptors(wanted)
    assert found[-1] == then
