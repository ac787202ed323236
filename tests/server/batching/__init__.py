"""Tests of admission, fair slots and the batcher."""
