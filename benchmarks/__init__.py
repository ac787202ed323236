"""Measurements: speed, memory and accuracy against peers; each module is a command."""
