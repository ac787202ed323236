"""Loads the pytest plugin with the clusters; pytest allows that at the top level only."""

pytest_plugins = ("tests.cluster.fixtures",)
