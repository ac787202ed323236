"""pytest plugin: `--figures` keeps what the tests measure."""

import pytest

from tests.reliability import figures


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--figures", action="store_true", help="keep what is measured in docs/reliability.json"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Pass it on to all processes of the run."""
    if config.getoption("--figures"):
        figures.switch_on()
