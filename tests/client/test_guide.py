"""The programs of the client's README do what it says."""

import re
from pathlib import Path

import pytest

from tests.client.conftest import KEY
from tests.server.pictures import BLUE, plain
from tests.server.server_process import ServerProcess

README = Path(__file__).parents[2] / "examples" / "client" / "README.md"


def programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_program_for_questions(faq: ServerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    program = programs()[0]
    assert '"http://faq.default.svc"' in program
    address = f'"http://127.0.0.1:{faq.port}/faq", timeout_seconds=120'
    exec(program.replace('"http://faq.default.svc"', address), {})  # noqa: S102 - our own README
    assert capsys.readouterr().out.startswith("How do I remove duplicates from an array?")


def test_the_program_for_photographs(
    images: ServerProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "sky.jpg").write_bytes(plain(BLUE))
    (tmp_path / "photographs" / "broken.jpg").write_bytes(b"no photograph")
    monkeypatch.chdir(tmp_path)
    program = programs()[1]
    assert '"http://image-cpu.default.svc"' in program
    address = f'"http://127.0.0.1:{images.port}", api_key="{KEY}", timeout_seconds=120'
    exec(program.replace('"http://image-cpu.default.svc"', address), {})  # noqa: S102 - as above
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines[0].startswith("broken.jpg failed: ")
    assert lines[1].startswith("sky.jpg blue 0.")
