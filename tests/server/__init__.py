"""Tests of the scoring server."""
