"""Unit tests of scoring_operator.manifests."""
