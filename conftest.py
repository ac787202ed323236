"""Loads the pytest plugins of the tests; pytest allows that at the top level only."""

pytest_plugins = ("tests.cluster.fixtures", "tests.properties", "tests.reliability.plugin")
