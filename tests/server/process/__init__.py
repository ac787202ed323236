"""Tests of the JSON logs and of the last words of a failure."""
