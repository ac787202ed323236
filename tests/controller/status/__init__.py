"""Unit tests of scoring_operator.status."""
