"""What `scoring-server --help` says."""

from collections.abc import Iterator, Mapping

import pytest

from scoring_server.runtime.main import main
from scoring_server.runtime.settings import Settings
from scoring_server.runtime.usage import VARIABLES

# Read before there are settings, and by other commands of the image too.
ELSEWHERE = {"SCORING_TORCH_CACHE_DIR", "SCORING_TERMINATION_LOG"}


class Asked(Mapping[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, **variables: str) -> None:
        self._variables = variables
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def test_help_names_every_variable_and_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    environment = Asked(SCORING_MODEL_TYPE="faq-matching")
    Settings.from_environment(environment)
    assert environment.names | ELSEWHERE == set(VARIABLES)
    assert all(f"  {name} " in shown for name in VARIABLES)


def test_anything_else_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--port", "80"])
    assert end.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err
