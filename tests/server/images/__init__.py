"""Tests of decoding, preprocessing, inference, export and the scoring-image command."""
