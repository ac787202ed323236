"""Tests of a worker's network side."""
