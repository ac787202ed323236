"""Bugs that are planted into a copy of the operator, each to be found by the tests."""
