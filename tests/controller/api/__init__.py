"""Unit tests of scoring_operator.api."""
