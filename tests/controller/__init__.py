"""Unit tests of the operator: no API server, no cluster."""
