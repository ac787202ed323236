from pathlib import Path

import pytest

from scoring_server.runtime.memory import available_bytes


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_limit_of_the_cgroup_counts(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("134217728\n")
    assert available_bytes(tmp_path) == 128 * 1024 * 1024


@pytest.mark.parametrize("limit", ["max", "9223372036854771712", None])
def test_without_a_limit_the_machine_is(tmp_path: Path, limit: str | None) -> None:
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    assert 64 * 1024 * 1024 < available_bytes(tmp_path) < 1 << 50
