"""Tests of the wire: formats, errors, health, metrics, logs; in-process."""
