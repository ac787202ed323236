"""pytest plugin: property tests try the same examples in every run, but for `--long`.

A failure of theirs is then one of the change under test, never of chance. No example has a
deadline: machines are busy.
"""

import pytest
from hypothesis import settings

settings.register_profile("short", settings.get_profile("ci"))
settings.register_profile("long", settings.get_profile("ci"), derandomize=False)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile before any test module is read."""
    settings.load_profile("long" if config.getoption("--long") else "short")
